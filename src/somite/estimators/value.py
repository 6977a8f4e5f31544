"""A diagnostic is a number, or says in words why there is none."""

from collections.abc import Iterable, Mapping

Value = float | str


def number(value: Value) -> float:
    """The number; NaN where there is none.

    Example:
        >>> number(1.5), number("a single chain")
        (1.5, nan)
    """
    return float("nan") if isinstance(value, str) else float(value)


def scaled(value: Value, factor: float) -> Value:
    """The number times a factor; the reason stays as it is."""
    return value if isinstance(value, str) else factor * value


def absences(found: Mapping[str, Value], names: Iterable[str]) -> str:
    """What is absent and why, gathered by reason.

    Args:
        found: Diagnostics by name.
        names: Those that are asked for.

    Example:
        >>> absences({"a": 1.0, "b": "no probe", "c": "no probe"}, ["a", "b", "c"])
        'no probe: b, c'
    """
    by_reason: dict[str, list[str]] = {}
    for name in names:
        value = found[name]
        if isinstance(value, str):
            by_reason.setdefault(value, []).append(name)
    return "; ".join(f"{reason}: {', '.join(those)}" for reason, those in by_reason.items())
