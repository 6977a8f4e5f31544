from zipfile import ZipFile

import pytest

from required import without
from somite.data.fetch import cached_wheel
from somite.data.sources import DOMAINS, TEXTS, library_documents


def read(registry, name):
    source = next(s for s in registry.sources if s.name == name)
    with ZipFile(registry.folder / source.wheel) as wheel:
        return source.documents(wheel)


def test_library_leaves_out_tests_packages_and_build_variables(tmp_path):
    for name in (
        "a.py",
        "json/b.py",
        "test/c.py",
        "json/tests/d.py",
        "idlelib/idle_test/e.py",
        "site-packages/f.py",
        "_sysconfigdata__linux.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    (tmp_path / "blank.py").write_text("\n")
    assert library_documents(tmp_path) == ["# a.py\n", "# json/b.py\n"]


def test_this_interpreters_library_is_a_large_text():
    documents = library_documents()
    assert len(documents) > 300
    assert sum(map(len, documents)) > 3e6


def test_plays_lose_their_markdown(registry):
    plays = read(registry, "drama")
    assert len(plays) == 6
    assert plays[0].startswith("Play 0\n\nANN\n")


def test_articles_stand_under_their_title(registry):
    assert read(registry, "wiki")[3].startswith("T3\n")


def test_chats_of_one_turn_are_left_out(registry):
    chats = read(registry, "dialogue")
    assert len(chats) == 7
    assert [line[:2] for line in chats[0].splitlines()] == ["- "] * 3


def test_licences_are_english_and_long_and_without_front_matter(registry):
    texts = read(registry, "legal")
    assert len(texts) == 6
    assert not any("---" in text or "key:" in text for text in texts)


REAL = {"drama": 4.9e6, "wiki": 5.0e6, "dialogue": 12.2e6, "legal": 14.1e6}
REAL |= {"french": 3.67e6, "spanish": 2.75e6}


@pytest.mark.slow
@pytest.mark.parametrize("source", TEXTS, ids=lambda source: source.name)
def test_real_wheels_hold_what_is_promised(source):
    path = cached_wheel(source)
    if path is None:
        without(f"{source.wheel} is not in the cache; run `somite data fetch`")
    with ZipFile(path) as wheel:
        documents = source.documents(wheel)
    assert path.stat().st_size == source.size
    assert sum(map(len, documents)) == pytest.approx(REAL[source.name], rel=0.02)
    assert all(text.strip() for text in documents)


def test_code_is_the_first_of_the_built_in_domains():
    assert DOMAINS == ("code", "drama", "wiki", "dialogue", "legal")
