"""Pages: one HTML file that needs nothing else, filled from a template, written whole."""

import os
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs


def write_page(path: str | os.PathLike[str], text: str) -> Path:
    """Write a page under a temporary name beside its place, and move it there when whole.

    Args:
        path: Where the file goes; its folder is made.
        text: All of it.

    Returns:
        The path of the file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(target)
    return target


def fill(template: str, **content: object) -> str:
    """A page from a template of ours, with the style, the script and Plotly that all pages have."""
    return _template(template).render(
        style=asset("report.css"),
        script=asset("report.js"),
        plotly=Markup(get_plotlyjs()),
        **content,
    )


def asset(name: str) -> Markup:
    """A file of the template folder, which we wrote and trust."""
    path = resources.files("somite.report") / "templates" / name
    return Markup(path.read_text(encoding="utf-8"))


@cache
def _template(name: str) -> jinja2.Template:
    """A page's template; text that comes in is escaped."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: str(asset(name))),
    )
    return environment.get_template(name)
