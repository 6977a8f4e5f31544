"""Recipes: what a study does, read from TOML, checked key by key before any work starts."""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from somite.core.checks import at_least
from somite.core.errors import InputError, nearest
from somite.data.config import DataConfig
from somite.study.sections import (
    BehaviorConfig,
    CheckpointConfig,
    GroupsConfig,
    ModelConfig,
    ModulesConfig,
    RefinedConfig,
    ResponseConfig,
    SamplingConfig,
    StagesConfig,
)
from somite.training.loop import TrainingConfig
from somite.training.schedule import checkpoint_steps

FEWEST = 3
"""Fewest checkpoints among which stages can be found."""


@dataclass(frozen=True)
class Recipe:
    """Everything that defines a study.

    Args:
        name: Name of the recipe.
        description: What it is for, in one line.
        seed: Seed of every section that does not set its own.
        data: Texts and tokens.
        model: Shape of the transformer.
        training: The training run.
        checkpoints: Which steps of it are kept.
        sampling: Sampler settings, one set for all checkpoints and components.
        refined: Length of the chains on single domains.
        behavior: How much text the behaviour of heads is measured on.
        stages: Search for stage boundaries.
        groups: Search for groups of heads.
        modules: Length of the chains for interactions, which `somite modules` samples.
        response: Rows and chains for susceptibilities, which `somite respond` samples.
    """

    name: str = ""
    description: str = ""
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    refined: RefinedConfig = field(default_factory=RefinedConfig)
    behavior: BehaviorConfig = field(default_factory=BehaviorConfig)
    stages: StagesConfig = field(default_factory=StagesConfig)
    groups: GroupsConfig = field(default_factory=GroupsConfig)
    modules: ModulesConfig = field(default_factory=ModulesConfig)
    response: ResponseConfig = field(default_factory=ResponseConfig)

    def __post_init__(self) -> None:
        """Check what no section can check alone.

        Raises:
            InputError: If there are too few checkpoints for stages.
        """
        at_least("seed", self.seed, 0)
        if (number := len(self.steps)) < FEWEST:
            rule, remedy = f"must keep at least {FEWEST} steps", "Raise n_linear or training.steps."
            raise InputError("checkpoints", rule, number, remedy)

    @property
    def steps(self) -> list[int]:
        """Steps of training that are kept."""
        grid = self.checkpoints
        return checkpoint_steps(self.training.steps, grid.n_log, grid.n_linear)

    def plain(self) -> dict[str, Any]:
        """All settings as nested plain values."""
        return dataclasses.asdict(self)


def recipe_names() -> list[str]:
    """Names of the shipped recipes."""
    folder = resources.files("somite.study") / "recipes"
    return sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".toml"))


def load_recipe(name_or_path: str, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        name_or_path: Name of a shipped recipe, or a path ending in .toml.
        overrides: Values as TOML text by dotted key ("sampling.n_beta" -> "100").

    Returns:
        The checked recipe.

    Raises:
        InputError: For an unknown recipe or key (the nearest is named), a wrong type or range.

    Example:
        >>> load_recipe("smoke", {"sampling.n_beta": "100"}).sampling.n_beta
        100.0
    """
    settings = _read(name_or_path)
    for key, text in (overrides or {}).items():
        _override(settings, key, text)
    return build(settings)


def build(settings: Mapping[str, Any]) -> Recipe:
    """Recipe from nested plain values, every key and type checked.

    Raises:
        InputError: For an unknown key, a wrong type or range.
    """
    seed = settings.get("seed", 0)
    sections = _section_types()
    checked = {}
    for key, value in settings.items():
        if key not in (known := [f.name for f in fields(Recipe)]):
            raise InputError(key, "must be a key of a recipe", value, nearest(key, known))
        section = sections[key]
        if dataclasses.is_dataclass(section):
            checked[key] = typed_section(key, section, value, seed)
        else:
            checked[key] = _typed(key, section, value)
    for key, section in sections.items():
        if dataclasses.is_dataclass(section) and key not in checked:
            checked[key] = typed_section(key, section, {}, seed)
    return Recipe(**checked)


def _section_types() -> dict[str, Any]:
    return get_type_hints(Recipe)


def section(key: str, kind: Any, overrides: Mapping[str, str]) -> Any:
    """One section of settings from values as TOML text by name.

    Raises:
        InputError: For an unknown name (the nearest is named), a wrong type or range.
    """
    values: dict[str, Any] = {}
    for name, text in overrides.items():
        _override(values, name, text)
    return typed_section(key, kind, values)


def typed_section(key: str, section: Any, values: Any, seed: int = 0) -> Any:
    """One section of settings from plain values by name, every name and type checked.

    Args:
        key: Its name.
        section: Its class, a dataclass.
        values: Values by name.
        seed: Of a section that has one, unless it is among the values.

    Raises:
        InputError: For an unknown name (the nearest is named), a wrong type or range.
    """
    if not isinstance(values, Mapping):
        remedy = f"Write [{key}] and its settings below."
        raise InputError(key, "must be a section of settings", values, remedy)
    hints = get_type_hints(section)
    known = [f.name for f in fields(section)]
    checked = {}
    for name, value in values.items():
        if name not in known:
            rule = "must be a setting of its section"
            raise InputError(f"{key}.{name}", rule, value, nearest(name, known))
        checked[name] = _typed(f"{key}.{name}", hints[name], value)
    if "seed" in known:
        checked.setdefault("seed", seed)
    try:
        return section(**checked)
    except InputError as error:
        argument = f"{key}.{error.argument}"
        raise InputError(argument, error.rule, error.value, error.remedy) from error


def _typed(key: str, hint: Any, value: Any) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if isinstance(value, list):
        value = tuple(value)
    try:
        return TypeAdapter(hint, config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError as error:
        wanted = getattr(hint, "__name__", str(hint))
        remedy = f"Give a value of type {wanted}."
        raise InputError(key, f"must be of type {wanted}", value, remedy) from error


def _read(name_or_path: str) -> dict[str, Any]:
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        try:
            text, name = path.read_text(encoding="utf-8"), path.stem
        except (OSError, UnicodeDecodeError) as error:
            remedy = "Check the path, or name a shipped recipe: " + ", ".join(recipe_names()) + "."
            raise InputError("recipe", "must be a readable file", name_or_path, remedy) from error
    elif name_or_path in recipe_names():
        folder = resources.files("somite.study") / "recipes"
        text, name = (folder / f"{name_or_path}.toml").read_text(encoding="utf-8"), name_or_path
    else:
        remedy = nearest(name_or_path, recipe_names()) + " Or give the path of a .toml file."
        raise InputError("recipe", "must be a shipped recipe", name_or_path, remedy)
    try:
        return {"name": name, **tomllib.loads(text)}
    except tomllib.TOMLDecodeError as error:
        raise InputError("recipe", "must be valid TOML", name_or_path, f"{error}.") from error


def _override(settings: dict[str, Any], key: str, text: str) -> None:
    """Set a dotted key; text that is no TOML value counts as a string.

    Raises:
        InputError: If the key goes below something that is no section.
    """
    try:
        value = tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        value = text
    *path, last = key.split(".")
    for part in path:
        settings = settings.setdefault(part, {})
        if not isinstance(settings, dict):
            remedy = "Leave out what follows it."
            raise InputError(key, f"must not go below {part}", text, remedy)
    settings[last] = value
