"""The page on vision models is true: its code runs on the real network and digits."""

import contextlib
import io
import re
from pathlib import Path

import pytest
import torch

from required import without
from somite.data.mnist import MNIST_CNN

PAGE = (Path(__file__).parent.parent / "docs" / "vision.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
SHORT = {"chains=4": "chains=2", "burn_in=20": "burn_in=1", "draws=100": "draws=8"}


def shortened(code):
    for long, short in SHORT.items():
        code = code.replace(long, short)
    return code


@pytest.mark.slow  # 10,000 real digits through the network, twice: 10 s
def test_python_of_the_page_runs():
    if not MNIST_CNN.folder.is_dir():
        without("mnist-cnn is not in the cache; run `somite data fetch mnist-cnn`")
    names = {"__name__": "page"}
    with torch.random.fork_rng(), contextlib.redirect_stdout(io.StringIO()) as printed:
        for code in BLOCKS:
            exec(compile(shortened(code), "vision.md", "exec"), names)
    assert printed.getvalue().startswith("99.05%\n")
    table = names["table"]
    assert list(table.index[:4]) == ["features.0", "features.3", "classifier.0", "classifier.2"]
    assert len(table) == 12
    assert table.llc.notna().all()
