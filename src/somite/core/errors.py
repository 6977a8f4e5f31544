"""The errors that a user can cause, worded so that they can mend them."""

import difflib
from collections.abc import Iterable, Sequence

SHOWN = 3
"""Names of a list that a message holds."""


class InputError(ValueError):
    """Bad input, in four parts: the argument, the rule it breaks, the value got, the remedy.

    Args:
        argument: Name of the argument, setting or file, as the user wrote it.
        rule: What it must be, starting with a verb ("must be positive").
        value: What was given.
        remedy: What to do, as an imperative sentence.

    Example:
        >>> print(InputError("step_size", "must be positive", -1, "Give a step such as 1e-3."))
        step_size must be positive, got -1. Give a step such as 1e-3.
    """

    def __init__(self, argument: str, rule: str, value: object, remedy: str) -> None:
        """Compose the one-line message."""
        self.argument, self.rule, self.value, self.remedy = argument, rule, value, remedy
        super().__init__(f"{argument} {rule}, got {value!r}. {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, str, object, str]]:
        """Rebuild from the four parts, so that the error crosses process borders."""
        return type(self), (self.argument, self.rule, self.value, self.remedy)


def nearest(name: str, known: Iterable[str]) -> str:
    """Remedy that names the closest known spelling, or lists all of them.

    Args:
        name: What the user wrote.
        known: The valid names.

    Returns:
        A sentence for the `remedy` of an `InputError`.

    Example:
        >>> nearest("hedas", ["heads", "mlps"])
        "Did you mean 'heads'? Valid: heads, mlps."
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Valid: {', '.join(names)}."


def first_names(names: Sequence[str]) -> str:
    """The first few names, and how many more there are.

    Example:
        >>> first_names("abcde")
        'a, b, c and 2 more'
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
