"""Markdown tables of numbers, and the place on a page where they stand."""

import re
from collections.abc import Sequence
from typing import Any

from record import cell

BEGIN, END = "<!-- tables: benchmarks/table.py -->", "<!-- end of tables -->"
MISSING = "Not measured yet."


def grid(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    if not rows:
        return MISSING
    lines = [columns, ["---"] * len(columns), *([cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def filled(page: str, text: str) -> str:
    """The page with its tables replaced."""
    pattern = re.escape(BEGIN) + r".*?" + re.escape(END)
    return re.sub(pattern, lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page, count=1, flags=re.DOTALL)
