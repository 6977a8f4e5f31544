"""What `somite llc` and `somite track` are asked for, checked before any model is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from somite.cli.options import pair
from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.study.recipe import section
from somite.study.sections import SamplingConfig

FOUND = ("n_beta", "localization", "step_size", "friction", "burn_in")
"""What a calibration finds. It is told other settings; draws that were asked for are kept."""


@dataclass(frozen=True)
class AnyConfig(SamplingConfig):
    """Sampler settings for a model of the user's, and how its text is cut.

    Args:
        context: Tokens per row.
        threads: Threads of PyTorch; 0 for one on each core.
    """

    n_beta: float = 100.0
    localization: float = 300.0
    kernel: str = "BAOAB"
    step_size: float = 0.03
    friction: float = 45.0
    rows: int = 512
    probe_rows: int = 16
    draws: int = 200
    context: int = 128
    threads: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        super().__post_init__()
        at_least("context", self.context, 2, "A token is predicted from those before it.")
        at_least("threads", self.threads, 0)


@dataclass(frozen=True)
class Asked:
    """A request.

    Args:
        components: Kinds, names or patterns.
        texts: Words of each text file, by its name.
        config: Settings, with defaults where none was given.
        given: Names of those that were.
        calibrate: Whether to find the sampler settings first.
    """

    components: tuple[str, ...]
    texts: dict[str, str]
    config: AnyConfig
    given: frozenset[str]
    calibrate: bool


def asked(
    components: str, data: Sequence[str], settings: Sequence[str] | None, calibrate: bool
) -> Asked:
    """A request from the options of the command line.

    Raises:
        InputError: If no component is named, a setting is unknown, wrong or found by calibration,
            or a text cannot be read.
    """
    chosen = tuple(name.strip() for name in components.split(",") if name.strip())
    if not chosen:
        remedy = "Name a kind such as heads, or names such as 0:1,0:2."
        raise InputError("components", "must name something", components, remedy)
    values = dict(map(pair, settings or ()))
    if "components" in values:
        shown, remedy = f"components={values['components']}", "Give them as --components."
        raise InputError("--set", "must not choose components", shown, remedy)
    for name in FOUND if calibrate else ():
        if name in values:
            remedy = "Leave it out, or leave out --calibrate."
            rule = "must not be what --calibrate finds"
            raise InputError("--set", rule, f"{name}={values[name]}", remedy)
    config: AnyConfig = section("sampling", AnyConfig, values)
    return Asked(chosen, _texts(data), config, frozenset(values), calibrate)


def _texts(data: Sequence[str]) -> dict[str, str]:
    """Words of every text file, by its name.

    Raises:
        InputError: If a file cannot be read, or two have the same name.
    """
    found: dict[str, str] = {}
    for text in data:
        name, equals, file = text.partition("=")
        path = Path(file if equals else text)
        name = name if equals else path.stem
        if name in found:
            remedy = "Write NAME=FILE with different names."
            raise InputError("--data", "must name each text once", name, remedy)
        try:
            found[name] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            rule = "must be a text file that can be read"
            raise InputError("--data", rule, str(path), "Check the path.") from error
    return found
