"""The example notebook is true: it is stored without outputs, and its cells run."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
import torch

DOCS = Path(__file__).parent.parent / "docs"
NOTEBOOK = json.loads((DOCS / "example.ipynb").read_text(encoding="utf-8"))
CELLS = NOTEBOOK["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


def test_it_is_a_notebook_without_outputs():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)
    for cell in CELLS:
        wanted = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            wanted |= {"execution_count", "outputs"}
            assert (cell["execution_count"], cell["outputs"]) == (None, [])
        assert set(cell) == wanted


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", "".join("".join(cell["source"]) for cell in CELLS))
    assert links
    assert [link for link in links if not (DOCS / link).exists()] == []


@pytest.mark.slow  # it finds settings with short chains, then samples 7 components
def test_its_cells_run_in_their_order():
    names = {"__name__": "notebook"}
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
        for source in CODE:
            exec(compile(source, "example.ipynb", "exec"), names)
    table = names["table"]
    assert list(table.index) == [
        "read",
        "mix",
        "name",
        "mix:0-3",
        "mix:4-7",
        "mix:8-11",
        "mix:12-15",
    ]
    assert (table.verdict == "good").all()
    assert (table.llc > 3 * table.mcse).all()
    assert (table.mcse / table.llc).median() < 0.06
    assert len(names["figure"].data[0].y) == 7
    assert float(re.match(r"([\d.]+)% of the digits", printed.getvalue())[1]) > 97
