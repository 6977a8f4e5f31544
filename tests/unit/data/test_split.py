import random

import pytest

from somite.core.errors import InputError
from somite.data.split import Split, cap, cap_equally, distinct, split_documents

DOCUMENTS = [f"document {i} " + "x" * (i % 7) for i in range(50)]


def test_white_space_makes_no_difference():
    assert distinct(["a b\n", " a\t\tb", "b a"]) == ["a b\n", "b a"]


def test_equal_beginnings_are_the_same_document():
    start = "words and " * 300  # 3000 characters
    assert len(distinct([start + "one", start + "two"])) == 1
    assert len(distinct([start[:-10] + "one", start[:-10] + "two"])) == 2
    assert len(distinct([start, start[:1500]])) == 2


def test_the_split_is_disjoint_and_complete():
    split = split_documents("d", DOCUMENTS, 0.1, seed=0)
    assert len(split.validation) == 5
    assert sorted(split.train + split.validation) == sorted(DOCUMENTS)


def test_the_split_depends_on_texts_and_seed_alone():
    shuffled = random.Random(1).sample(DOCUMENTS, len(DOCUMENTS))
    split = split_documents("d", DOCUMENTS, 0.1, seed=0)
    assert split == split_documents("d", shuffled, 0.1, seed=0)
    assert split != split_documents("d", DOCUMENTS, 0.1, seed=1)


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_neither_part_is_empty(share):
    split = split_documents("d", ["a", "b"], share, seed=0)
    assert len(split.train) == len(split.validation) == 1


def test_one_document_cannot_be_split():
    with pytest.raises(InputError, match="mails must hold at least two different documents"):
        split_documents("mails", ["a  b", "a b"], 0.1, seed=0)


def test_whole_documents_up_to_the_cap():
    assert cap(["abc", "def"], 6) == ("abc", "def")
    assert cap(["abc", "def"], 4) == ("abc", "d")
    assert cap(["abc", "def"], 3) == ("abc",)
    assert cap(["abc"], 9) == ("abc",)


def length(texts):
    return sum(map(len, texts))


@pytest.mark.parametrize(("characters", "expected"), [(30, 30), (10_000, 100)])
def test_all_domains_get_the_same_size(characters, expected):
    splits = {
        "small": Split(("x" * 60, "y" * 40), ("v" * 50,)),
        "large": Split(("x" * 500,) * 3, ("v" * 500,)),
    }
    capped = cap_equally(splits, characters, share=0.25)
    assert {length(split.train) for split in capped.values()} == {expected}
    assert length(capped["large"].validation) == -(-expected // 3)
    assert length(capped["small"].validation) <= 50
