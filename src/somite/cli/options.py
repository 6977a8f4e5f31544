"""Options that several commands take."""

from typing import TYPE_CHECKING

from somite.core.checks import one_of
from somite.core.errors import InputError

if TYPE_CHECKING:
    from somite.study.engine import Engine


def pair(text: str) -> tuple[str, str]:
    """Key and value of an option --set.

    Raises:
        InputError: If it is none.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        remedy = "Write --set section.key=value, such as --set sampling.n_beta=100."
        raise InputError("--set", "must be KEY=VALUE", text, remedy)
    return key.strip(), value.strip()


def chosen_engine(
    engine: str, address: str | None, gpus_per_job: float | None, device: str
) -> "Engine":
    """The engine of that name.

    Raises:
        InputError: If there is none, or an option does not belong to it.
    """
    from somite.study.cluster import Ray
    from somite.study.engine import Local

    one_of("engine", engine, ("local", "ray"))
    for name, value in (("--address", address), ("--gpus-per-job", gpus_per_job)):
        if engine == "local" and value is not None:
            raise InputError(name, "must come with --engine ray", value, "Give both, or neither.")
    if device == "cpu" and gpus_per_job is not None:
        rule, remedy = "must come with --device cuda", "Give both, or neither."
        raise InputError("--gpus-per-job", rule, gpus_per_job, remedy)
    if engine == "local":
        return Local()
    return Ray(address) if gpus_per_job is None else Ray(address, gpus_per_job)
