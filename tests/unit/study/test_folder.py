import collections
import errno
import json
import subprocess
import sys

import pytest

from somite.core.errors import InputError
from somite.study import folder
from somite.study.folder import claimed, read_manifest, writable, write_whole

Usage = collections.namedtuple("Usage", "total used free")


def everything(path):
    return {p: p.read_bytes() if p.is_file() else None for p in path.rglob("*")}


def test_a_new_folder_is_made_and_marked(tmp_path):
    out = tmp_path / "a" / "b"
    with claimed(out, "smoke"):
        assert json.loads((out / "run.json").read_text()) == {"recipe": "smoke"}
    with claimed(out, "smoke"):
        pass


def test_another_study_is_refused_and_left_alone(tmp_path):
    with claimed(tmp_path, "smoke"):
        pass
    before = everything(tmp_path)
    with pytest.raises(InputError, match=r"out must hold the study 'mine', got 'smoke'"):
        with claimed(tmp_path, "mine"):
            pass
    assert everything(tmp_path) == before


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="out must be new, empty or a run of somite"):
        with claimed(tmp_path, "smoke"):
            pass
    assert everything(tmp_path) == {tmp_path / "thesis.tex": b"precious"}


@pytest.mark.parametrize("out", ["file", "file/below"])
def test_a_file_in_the_way_is_refused(tmp_path, out):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(InputError, match=r"out must be a folder.*--out"):
        with claimed(tmp_path / out, "smoke"):
            pass


def test_what_a_kill_leaves_before_the_mark_is_no_obstacle(tmp_path):
    (tmp_path / ".partial-run.json").write_text("{")
    (tmp_path / ".lock").touch()
    with claimed(tmp_path, "smoke"):
        assert (tmp_path / "run.json").exists()


@pytest.mark.parametrize("text", ["", "{", "3", '"smoke"'])
def test_a_damaged_mark_is_refused(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match="run must have readable records"):
        with claimed(tmp_path, "smoke"):
            pass


def test_no_room_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(folder.shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 5 * 2**20))
    with pytest.raises(InputError, match=r"disk must have 300 MB free, got '5 MB'\. Free 295 MB"):
        with claimed(tmp_path / "run", "smoke"):
            pass
    assert not list((tmp_path / "run").iterdir())


HOLD = """
import sys, time
from pathlib import Path
from somite.study.folder import claimed
with claimed(Path(sys.argv[1]), "smoke"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no lock there")
def test_two_processes_do_not_work_in_one_folder(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=-1) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="out must not be in use by another somite run"):
            with claimed(tmp_path, "smoke"):
                pass
        other.kill()
        other.wait()
        with claimed(tmp_path, "smoke"):  # the lock ends with its process, even if killed
            pass


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_gets_full_is_explained(tmp_path, number):
    with pytest.raises(InputError, match=r"disk must have room .*run the same command again"):
        with writable(tmp_path):
            raise OSError(number, "full")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_place_that_cannot_be_written_is_explained(tmp_path, number):
    with pytest.raises(InputError, match=r"out must be a folder that can be written \(no\)"):
        with writable(tmp_path):
            raise OSError(number, "no", str(tmp_path))


def test_other_errors_are_not_explained_away(tmp_path):
    with pytest.raises(OSError, match="broken"):
        with writable(tmp_path):
            raise OSError(errno.EIO, "broken")


def test_a_record_is_written_whole(tmp_path):
    write_whole(tmp_path / "a.json", {"b": 1})
    write_whole(tmp_path / "a.json", {"b": 2})
    assert everything(tmp_path) == {tmp_path / "a.json": b'{\n "b": 2\n}'}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, r"run must be a folder of somite run.*start one with `somite run`"),
        ({"study.json": "{}"}, r"run must be a folder of somite run"),
        ({"run.json": "{}"}, r"run must hold a finished study.*goes on where it stopped"),
        ({"run.json": "{}", "study.json": "{"}, r"run must have readable records"),
        ({"run.json": "{}", "study.json": "{}"}, r"run must record settings, corpus"),
    ],
)
def test_a_folder_without_a_finished_study_is_refused(tmp_path, files, words):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        read_manifest(tmp_path)
