"""What can be checked of checkpoints on the Hub before any is fetched."""

import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from torch import nn

from somite.core.errors import InputError
from somite.training.agreement import read_config, same_configs, same_shapes
from somite.training.fitting import Template, check_fit, new_model
from somite.training.hub.listing import Remote
from somite.training.hub.patience import patiently
from somite.training.load_folder import pretrained_class
from somite.training.weight_files import Shapes


def check_remotes(
    repo: str, remotes: Mapping[int, Remote], model: Template | None, endpoint: str | None
) -> None:
    """Require checkpoints of one model, of the given one if there is one.

    Args:
        repo: "owner/name".
        remotes: By step.
        model: What weights are loaded into; None for models of transformers.
        endpoint: Address of the Hub.

    Raises:
        InputError: If a configuration or the shapes of weights say otherwise; the step is named.
    """
    made = None if model is None else new_model(model)
    first = min(remotes)
    if made is None or (remotes[first].config and pretrained_class(made)):
        _check_configs(repo, remotes, endpoint)
    else:
        _check_shapes(repo, remotes, made, endpoint)


def _check_configs(repo: str, remotes: Mapping[int, Remote], endpoint: str | None) -> None:
    """Require a config.json of the same architecture at every step; each is fetched once.

    Raises:
        InputError: If one has none, or differs; the step is named.
    """
    from huggingface_hub import hf_hub_download

    for remote in remotes.values():
        if remote.config is None:
            remedy = "Give model=, of which a copy takes the weights."
            shown = f"{repo} at {remote.name}"
            raise InputError("model", "must be given where there is no config.json", shown, remedy)
    distinct = {remote.config: remote for _, remote in sorted(remotes.items(), reverse=True)}
    if len(distinct) == 1:
        return
    configs = {}
    with tempfile.TemporaryDirectory(prefix="somite-") as folder:
        for remote in sorted(distinct.values(), key=lambda remote: remote.step):

            def ask(remote: Remote = remote) -> str:
                return hf_hub_download(
                    repo,
                    str(PurePosixPath(remote.inside) / "config.json"),
                    revision=remote.commit,
                    endpoint=endpoint,
                    local_dir=f"{folder}/{remote.step}",
                )

            path = patiently(ask, f"config.json of {repo} at {remote.name}")
            configs[remote.step] = read_config(Path(path))
    same_configs(configs)


def _check_shapes(
    repo: str, remotes: Mapping[int, Remote], made: nn.Module, endpoint: str | None
) -> None:
    """Require weights of the model, from the headers of safetensors files.

    Weights of one size are taken to be alike until they are loaded, so that a long series costs
    one request.
    """
    distinct = {remote.size: remote for _, remote in sorted(remotes.items(), reverse=True)}
    shapes = {
        remote.step: _header(repo, remote, endpoint)
        for remote in sorted(distinct.values(), key=lambda remote: remote.step)
        if any(path.endswith(".safetensors") for path in remote.files)
    }
    same_shapes(shapes)
    if shapes:
        first = min(shapes)
        check_fit(made, shapes[first], f"{repo} at {remotes[first].name}")


def _header(repo: str, remote: Remote, endpoint: str | None) -> Shapes:
    """Shapes of the weights of a checkpoint.

    Raises:
        InputError: If a file is no safetensors file.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import SafetensorsParsingError

    api, shapes = HfApi(endpoint=endpoint), Shapes()
    for path in (path for path in remote.files if path.endswith(".safetensors")):
        what = f"{path} of {repo} at {remote.name}"

        def ask(path: str = path) -> Shapes:
            found = api.parse_safetensors_file_metadata(repo, path, revision=remote.commit)
            return {name: tuple(info.shape) for name, info in found.tensors.items()}

        try:
            shapes |= patiently(ask, what)
        except SafetensorsParsingError as error:
            remedy = "Leave that step out with steps=."
            raise InputError("checkpoint", "must be readable", what, remedy) from error
    return shapes
