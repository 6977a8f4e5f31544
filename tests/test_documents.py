"""What people read first is true: recipes parse, the README runs, its commands and links exist."""

import contextlib
import dataclasses
import io
import json
import re
import shlex
from importlib import resources
from pathlib import Path

import pytest
import torch
import typer.main

import somite
from somite import __version__
from somite.cli.main import app
from somite.study.recipe import Recipe, load_recipe, recipe_names

ROOT = Path(__file__).parent.parent


def test_every_row_is_on_the_maps():
    rows = {path.parent.name for path in (ROOT / "src" / "somite").glob("*/__init__.py")}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [row for row in sorted(rows) if f"{row}/" not in readme] == []


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_parses(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description.endswith(".")


def test_recipes_are_shipped():
    names = {"language", "language-small", "language-small-mlp", "smoke"}
    assert names <= set(recipe_names())
    assert (resources.files("somite.study") / "recipes" / "smoke.toml").is_file()


def test_changelog_has_this_version():
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced blocks of the README in one language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


TRAINING = pytest.param("while-training.md", marks=pytest.mark.slow)  # imports two trainers: 10 s


NETWORK = pytest.param("your-model.md", marks=pytest.mark.slow)  # samples 18 components: 15 s


@pytest.mark.parametrize("page", ["data.md", "estimators.md", "spectroscopy.md", NETWORK, TRAINING])
def test_python_on_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    assert len(found) >= 2
    names: dict[str, object] = {"__name__": "page"}
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
        for block in found:
            exec(compile(block, page, "exec"), names)
    assert "NaN" not in printed.getvalue()


def test_python_in_the_readme_runs():
    assert blocks("python")
    for block in blocks("python"):
        assert len(block.splitlines()) <= 30
        with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
        assert "NaN" not in printed.getvalue()


def commands() -> list[list[str]]:
    """Commands that the README shows, in blocks and in the text."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^(?:somite|make) .*$", "\n".join(blocks("sh")), flags=re.MULTILINE)
    shown += re.findall(r"`((?:somite|make) [^`]+)`", text)
    return [shlex.split(line, comments=True) for line in shown]


def test_readme_shows_commands():
    assert {"somite", "make"} <= {words[0] for words in commands()}


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_in_the_readme_exist(words):
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[1]}:", makefile, flags=re.MULTILINE)
        return
    command = typer.main.get_command(app)
    names = words[1:]
    while hasattr(command, "commands"):
        command = command.commands[names.pop(0)]
    options = {option for p in command.params for option in p.opts}
    assert {name for name in names if name.startswith("--")} <= options


def test_settings_in_the_readme_are_known():
    given = [
        words[i + 1] for words in commands() for i, word in enumerate(words) if word == "--set"
    ]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    given += re.findall(r"--set '([^']+)'", text)
    assert given
    load_recipe("smoke", dict(pair.split("=", 1) for pair in given))


def test_every_key_of_a_recipe_is_on_its_page():
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    parts = dict(re.findall(r"^## `\[(\w+)\]`\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    missing = []
    for key, value in vars(Recipe()).items():
        keys = vars(value) if dataclasses.is_dataclass(value) else {key: value}
        shown = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", parts.get(key, page), re.MULTILINE))
        missing += [f"{key}.{k}" for k, v in keys.items() if shown.get(k) != toml(v)]
    assert missing == []


def toml(value: object) -> str:
    """A default as it stands in a recipe."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)


def test_every_public_name_is_on_a_page():
    pages = "".join(page.read_text(encoding="utf-8") for page in ROOT.glob("docs/*.md"))
    assert [n for n in somite.__all__ if not re.search(rf"\bso\.{n}\b", pages)] == []


def test_links_in_the_documents_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    broken = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []
