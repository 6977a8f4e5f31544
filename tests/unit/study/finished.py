"""The parts of a finished run, for tests that look into it."""

from pathlib import Path

from somite.study.context import Context
from somite.study.folder import read_manifest
from somite.study.recipe import Recipe, load_recipe


def context_of(run: Path, **overrides: str) -> Context:
    """Context of a finished smoke study, with other settings where told ("sampling__rows")."""
    changed = {key.replace("__", "."): value for key, value in overrides.items()}
    return context_in(run, load_recipe("smoke", changed))


def context_in(run: Path, recipe: Recipe) -> Context:
    """Context of a finished study of a recipe."""
    manifest = read_manifest(run)
    return Context(run, recipe, run / manifest["corpus"], run / manifest["training"])


def times(run: Path, pattern: str) -> dict[str, int]:
    """When each file below the matching folders was last changed."""
    files = (path for folder in run.glob(pattern) for path in [folder, *folder.rglob("*")])
    return {str(path.relative_to(run)): path.stat().st_mtime_ns for path in files}


class Listener:
    """A watch that remembers what it was told."""

    def __init__(self):
        self.phases, self.said, self.done = [], [], {}

    def phase(self, name, total):
        self.phases.append(name)

    def advance(self, done, note=""):
        self.done[self.phases[-1]] = done

    def say(self, text):
        self.said.append(text)
