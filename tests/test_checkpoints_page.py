"""The page on checkpoints is true: its Python runs, in a folder of its own."""

import contextlib
import io
import os
import re
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parent.parent / "docs" / "checkpoints.md"
PRINTED = ["[0, 10, 100]", "[10, 20]", "[100, 200]", "['GPTNeoXForCausalLM', 'GPTNeoXForCausalLM']"]


@pytest.fixture
def folder(tmp_path):
    for name in ("run", "epochs", "lightning"):
        (tmp_path / name).mkdir()
    with contextlib.chdir(tmp_path):
        yield tmp_path


def test_python_of_the_page_runs(folder):
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    names = {"__name__": "page"}
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
        for block in blocks:
            exec(compile(block, "checkpoints.md", "exec"), names)
    lines = printed.getvalue().splitlines()
    assert [line for line in lines if line.startswith("[")] == [
        *PRINTED,
        "[1.0, 2.0, 4.0]",
        "[0, 1, 2]",
    ]
    assert len(os.listdir(folder)) == 4
