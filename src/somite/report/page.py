"""What a page is made of: sections, and in them charts, tables, paragraphs, viewers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import plotly.graph_objects as go


@dataclass(frozen=True)
class Chart:
    """A Plotly figure with its heading.

    Args:
        key: Name inside the page, unique.
        title: What is shown, in one line.
        note: How to read it.
        figure: The figure; its layout has a height.
    """

    kind: ClassVar[str] = "chart"
    key: str
    title: str
    note: str
    figure: go.Figure

    @property
    def height(self) -> int:
        """Height of the figure in pixels, kept free before it is drawn."""
        return int(self.figure.layout.height)

    @property
    def json(self) -> str:
        """The figure as JSON in which no text can end the script element around it."""
        return script_safe(str(self.figure.to_json(remove_uids=True)))


@dataclass(frozen=True)
class Table:
    """Rows of text under column heads.

    Args:
        title: What the table lists.
        columns: Heads of the columns.
        rows: One sequence of cells for each row, as long as `columns`.
        note: What must be known to read it; may be empty.
    """

    kind: ClassVar[str] = "table"
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    kind: ClassVar[str] = "prose"
    text: str


@dataclass(frozen=True)
class Viewer:
    """Attention patterns over tokens, to be clicked through.

    Args:
        key: Name inside the page.
        title: What is shown.
        note: How to use it.
        json: The patterns and tokens, safe inside a script element.
    """

    kind: ClassVar[str] = "viewer"
    key: str
    title: str
    note: str
    json: str


@dataclass(frozen=True)
class TokenViewer(Viewer):
    """Text coloured by the answers of a component, with a list of all tokens."""

    kind: ClassVar[str] = "token_viewer"


@dataclass(frozen=True)
class InfluenceViewer(Viewer):
    """Queries and the examples that influence them, to be clicked through."""

    kind: ClassVar[str] = "influence_viewer"


@dataclass(frozen=True)
class ClusterViewer(Viewer):
    """Clusters of tokens, each with its components and its tokens in the text."""

    kind: ClassVar[str] = "cluster_viewer"


Block = Chart | Table | Prose | Viewer


@dataclass(frozen=True)
class Section:
    """A part of the page that the navigation leads to.

    Args:
        key: Anchor.
        title: Heading.
        short: Name in the navigation.
        lead: One or two sentences: what is measured here and what came out.
        blocks: The content, in reading order.
    """

    key: str
    title: str
    short: str
    lead: str
    blocks: Sequence[Block]


def not_measured(key: str, title: str, short: str, what: str) -> Section:
    """Section that says plainly that its numbers are missing.

    Example:
        >>> not_measured("ablation", "Ablations", "Ablations", "Ablation").blocks[0].text
        'Ablation was not measured in this run.'
    """
    return Section(key, title, short, "", (Prose(f"{what} was not measured in this run."),))


def script_safe(json: str) -> str:
    r"""JSON in which `<`, `>` and `&` are written as escapes, so that no text ends a script.

    Example:
        >>> script_safe('"</script>"')
        '"\\u003c/script\\u003e"'
    """
    return json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
