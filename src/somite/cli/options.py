"""Options that several commands take."""

from somite.core.errors import InputError


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
