import datasets
import pytest
import tokenizers
import torch

from somite.core.errors import InputError
from somite.data import Tokenizer, token_rows, train_tokenizer

BYTES = train_tokenizer(["ab"], vocab_size=256)
DOCUMENTS = ["abcde", "f", "ghi"]


def words() -> tokenizers.Tokenizer:
    """A tokenizer whose encodings have `ids`."""
    known = {letter: place for place, letter in enumerate("abcdefghi")}
    model = tokenizers.models.WordLevel(known, unk_token="a")
    found = tokenizers.Tokenizer(model)
    found.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    return found


def test_packed_rows_lose_only_the_end():
    found = token_rows(DOCUMENTS, words(), context=4, rows=9)
    assert found.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert token_rows(DOCUMENTS, words(), context=4, rows=1).tolist() == [[0, 1, 2, 3]]


def test_a_separator_ends_each_document():
    found = token_rows(DOCUMENTS, words(), context=3, rows=9, separator=99)
    assert found.flatten().tolist() == [0, 1, 2, 3, 4, 99, 5, 99, 6, 7, 8, 99]


def test_padded_rows_are_beginnings_of_documents():
    found = token_rows(DOCUMENTS, words(), context=4, rows=9, pack=False)
    assert found["input_ids"].tolist() == [[0, 1, 2, 3], [6, 7, 8, 0]]
    assert found["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_column_of_a_data_set(streaming):
    source = datasets.Dataset.from_dict({"body": DOCUMENTS})
    source = source.to_iterable_dataset() if streaming else source
    found = token_rows(source, BYTES, context=9, rows=1, column="body")
    assert bytes(found[0].tolist()) == b"abcdefghi"
    assert found.dtype == torch.int64


def test_no_more_text_is_read_than_needed():
    def texts():
        yield "abcdefgh"
        raise AssertionError("read too far")

    assert token_rows(texts(), BYTES, context=4, rows=2).shape == (2, 4)


@pytest.mark.parametrize(
    ("texts", "settings", "words"),
    [
        (DOCUMENTS, {"context": 1}, "context must be a whole number of at least 2, got 1"),
        (DOCUMENTS, {"rows": 0}, "rows must be a whole number of at least 1, got 0"),
        (["a"], {}, "texts must fill at least one row of 4 tokens, got 'too little text'"),
        (["a"], {"pack": False}, "texts must fill at least one row"),
        ([3], {}, "texts must be text, got 'int'"),
        ([{"txt": "a"}], {}, "column must be a field of the data, got 'text'. Did you mean 'txt'"),
    ],
)
def test_bad_texts_are_refused(texts, settings, words):
    tokenizer: Tokenizer = BYTES
    with pytest.raises(InputError, match=words):
        token_rows(texts, tokenizer, **{"context": 4, "rows": 4, **settings})
