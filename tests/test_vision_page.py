"""The page on vision models is true: its code runs on the real network and digits."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from required import without
from somite.data.mnist import MNIST_CNN

PAGE = (Path(__file__).parent.parent / "docs" / "vision.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
SHORT = {"chains=4": "chains=2", "draws=120": "draws=16"}
ROWS = re.findall(r"^\| `(\S+)` \| ([\d,]+) \| ([\d.]+) ± ([\d.]+) \|", PAGE, flags=re.MULTILINE)


def shortened(code: str) -> str:
    for long, short in SHORT.items():
        code = code.replace(long, short)
    return code


@pytest.mark.slow  # 12 components of the real network, shortened: 20 s
def test_python_of_the_page_runs_and_gives_its_numbers():
    if not MNIST_CNN.folder.is_dir():
        without("mnist-cnn is not in the cache; run `somite data fetch mnist-cnn`")
    assert all(long in PAGE for long in SHORT)
    names: dict[str, object] = {"__name__": "page"}
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
        for code in BLOCKS:
            exec(compile(shortened(code), "vision.md", "exec"), names)
    assert printed.getvalue().startswith("99.05%, margin 60\n")
    table = names["table"]
    assert [row[0] for row in ROWS] == list(table.index)
    assert [int(row[1].replace(",", "")) for row in ROWS] == list(table.weights)
    told, errors = (np.array([float(row[i]) for row in ROWS]) for i in (2, 3))
    assert (errors < 0.1 * told).all()
    assert (table.center_verdict == "good").all()
    assert (np.abs(table.llc - told) < 5 * np.hypot(table.mcse, errors)).all()
