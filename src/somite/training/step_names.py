"""Steps in names: which number of `step1000` or `epoch=3-step=100.ckpt` counts the training."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from somite.core.errors import InputError

STEP = "{step}"
NUMBER = re.compile(r"\d+")
WORD = re.compile(r"(steps?|iter|iteration|checkpoint|ckpt)[^a-z0-9]?$", re.IGNORECASE)
"""What stands before a number that is a step, where several numbers vary."""
EXAMPLE = 'Give pattern=, with {step} where the step is, such as "checkpoint-{step}".'


def named_steps(names: Iterable[str], pattern: str | None = None) -> dict[int, str]:
    """Names by the step that they carry, in order.

    Args:
        names: Of files, folders or revisions; those without a step are left out.
        pattern: The whole name, with `{step}` for the step and `*` for anything but a slash. By
            default the one number that differs between the names is the step.

    Returns:
        Names by step, increasing.

    Raises:
        InputError: If no name carries a step, several numbers could be it, the pattern has no
            `{step}`, or two names carry the same step.

    Example:
        >>> named_steps(["main", "step1000", "step0", "step512"])
        {0: 'step0', 512: 'step512', 1000: 'step1000'}
        >>> named_steps(["epoch=0-step=9.ckpt", "epoch=1-step=18.ckpt"], "*-step={step}.ckpt")
        {9: 'epoch=0-step=9.ckpt', 18: 'epoch=1-step=18.ckpt'}
    """
    listed = sorted(names)
    chosen = find_pattern(listed) if pattern is None else pattern
    expression = _expression(chosen)
    steps: dict[int, str] = {}
    for name in listed:
        if match := expression.fullmatch(name):
            step = int(match["step"])
            if step in steps:
                both = f"step {step} in {steps[step]!r} and {name!r}"
                remedy = "Remove one of them, or give a pattern that only one fits."
                raise InputError("names", "must not carry a step twice", both, remedy)
            steps[step] = name
    if not steps:
        rule = f"must fit the pattern {chosen!r}"
        raise InputError("names", rule, _some(listed), EXAMPLE)
    return dict(sorted(steps.items()))


def find_pattern(names: Sequence[str]) -> str:
    """The pattern of names in which one number varies.

    Args:
        names: Some of them may be of another kind.

    Returns:
        The pattern, with `{step}` for that number.

    Raises:
        InputError: If no number varies, or more than one could be the step.

    Example:
        >>> find_pattern(["pythia14-step8.pt", "pythia14-step16.pt", "notes"])
        'pythia14-step{step}.pt'
        >>> find_pattern(["epoch=0-step=9.ckpt", "epoch=1-step=18.ckpt"])
        'epoch=*-step={step}.ckpt'
    """
    groups: dict[tuple[str, ...], list[list[str]]] = {}
    for name in names:
        if numbers := NUMBER.findall(name):
            groups.setdefault(tuple(NUMBER.split(name)), []).append(numbers)
    if not groups:
        raise InputError("names", "must carry step numbers", _some(names), EXAMPLE)
    most = [group for group in groups.items() if len(group[1]) > 1] or list(groups.items())
    found = [place for words, rows in most for place in _places(words, rows)]
    found = found if len(found) == 1 else [place for place in found if place.after_step_word]
    if len(found) != 1:
        raise InputError("names", "must show which number is the step", _some(names), EXAMPLE)
    return found[0].pattern


@dataclass(frozen=True)
class _Place:
    """One number of names of one kind, which may be the step."""

    pattern: str
    after_step_word: bool


def _places(words: tuple[str, ...], rows: list[list[str]]) -> list[_Place]:
    """Numbers that vary within names of one kind; of a single name, all."""
    columns = [set(column) for column in zip(*rows, strict=True)]
    varying = [i for i, column in enumerate(columns) if len({int(text) for text in column}) > 1]
    places = []
    for i in varying or range(len(columns)):
        shown = [next(iter(column)) if len(column) == 1 else "*" for column in columns]
        shown[i] = STEP
        pattern = "".join(a + b for a, b in zip(words, [*shown, ""], strict=True))
        places.append(_Place(pattern, bool(WORD.search(words[i]))))
    return places


def _expression(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression.

    Raises:
        InputError: If it does not hold `{step}` once.
    """
    if pattern.count(STEP) != 1:
        raise InputError("pattern", "must hold {step} once", pattern, EXAMPLE)
    parts = re.split(r"(\{step\}|\*)", pattern)
    special = {STEP: r"(?P<step>\d+)", "*": "[^/]*"}
    return re.compile("".join(special.get(part, re.escape(part)) for part in parts))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (", ".join(names[:3]) + more) if names else "no names"
