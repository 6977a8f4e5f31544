import json
import sys
from types import SimpleNamespace

import pytest

from somite.core.errors import InputError
from somite.data.documents import read_documents


def read(location, characters=1000):
    return read_documents("mine", str(location), characters)


def test_a_folder_is_read_recursively_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "b" / "x.py").write_text("print()")
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo")
    (tmp_path / "c.md").write_text("# ü")
    (tmp_path / ".git" / "hidden.txt").write_text("hidden")
    (tmp_path / ".hidden").write_text("hidden")
    (tmp_path / "blank.txt").write_text(" \n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "latin.txt").write_bytes(b"\xe9\xe8")
    assert read(tmp_path) == ["one\ntwo", "print()", "# ü"]


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match=r"mine must hold text, got .* Give a location with UTF-8"):
        read(tmp_path)


def test_no_such_folder(tmp_path):
    with pytest.raises(
        InputError, match=r"mine must be a folder, a \.jsonl file or hf:DATASET that"
    ):
        read(tmp_path / "nowhere")


def test_an_unreadable_folder(tmp_path, monkeypatch):
    def walk(folder, onerror):
        onerror(PermissionError(13, "Permission denied", str(folder)))
        return iter(())

    monkeypatch.setattr("somite.data.documents.os.walk", walk)
    with pytest.raises(InputError, match=r"mine must be readable \(Permission denied\), got '.*'"):
        read(tmp_path)


def test_jsonl(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n\n{"text": "two", "id": 2}\n{"text": "half \\ud800"}\n')
    assert read(path) == ["one", "two", "half ?"]


@pytest.mark.parametrize("line", ['{"body": "x"}', "no json", "[1]", '{"text": 3}'])
def test_jsonl_without_text(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\n' + line)
    with pytest.raises(InputError, match=r"mine must hold a JSON object .*, got 'a.jsonl, line 2'"):
        read(path)


def test_no_such_jsonl(tmp_path):
    with pytest.raises(InputError, match=r"mine must be readable \(No such file or directory\)"):
        read(tmp_path / "a.jsonl")


def fake_hub(monkeypatch, load):
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))


def test_hub_data_sets_are_read_until_there_is_enough(monkeypatch):
    asked = []

    def load(*names, **settings):
        asked.append((names, settings))
        return iter([{"text": "four"}, {"text": " "}, {"text": "more"}, {"text": "never read"}])

    fake_hub(monkeypatch, load)
    assert read("hf:owner/name:small", characters=8) == ["four", "more"]
    assert asked == [(("owner/name", "small"), {"split": "train", "streaming": True})]


def test_hub_rows_without_text(monkeypatch):
    fake_hub(monkeypatch, lambda *_, **__: iter([{"body": "x"}]))
    with pytest.raises(InputError, match=r"must hold a JSON object .* got 'hf:name, row 1'"):
        read("hf:name")


def test_a_hub_data_set_that_cannot_be_read(monkeypatch):
    def load(*_, **__):
        raise ConnectionError("offline")

    fake_hub(monkeypatch, load)
    with pytest.raises(InputError, match=r"must be a Hugging Face .* \(ConnectionError\)"):
        read("hf:name")


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"Run `pip install somite\[hf\]`"):
        read("hf:name")


def test_jsonl_keeps_every_character(tmp_path):
    text = "näïve \t 日本 \n end"
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": text}))
    assert read(path) == [text]
