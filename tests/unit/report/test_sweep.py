import numpy as np
import pandas as pd
import pytest

from somite.report.sweep import build_sweep, sentences
from somite.sweeps import effects
from somite.sweeps.effects import last


@pytest.fixture(scope="module")
def table():
    generator, rows = np.random.default_rng(0), []
    for seed in range(3):
        for width in (16, 32):
            for step in (0, 10, 100):
                loss = 4.0 - np.log1p(step) / 2 + 0.1 * (width == 16)
                row = {"model": width // 32, "seed": seed, "width": width, "step": step}
                llc = (4.0 - loss) * (3.0 if width == 16 else 6.0) + 0.1 * generator.normal()
                z = width + 0.1 * llc if step == 100 else np.nan
                rows.append(row | {"failed": "", "loss": loss, "total_llc": llc, "modular_z": z})
    rows.append({"model": 2, "seed": 0, "width": 64, "step": -1, "failed": "<b>it diverged"})
    return pd.DataFrame(rows)


def test_the_page_says_what_is_sure_and_lists_what_failed(table, tmp_path):
    page, found = build_sweep(table, ["width"], "Does width matter?", tmp_path / "report.html")
    text = page.read_text()
    assert "Does width matter?" in text
    assert "&lt;b&gt;it diverged" in text
    assert "width 32 instead of 16: sum of LLCs +" in text
    assert set(found.measure) == {"loss", "total_llc", "modular_z"}


def test_measures_of_the_last_checkpoint_alone_are_not_compared_at_equal_loss(table, tmp_path):
    page, _ = build_sweep(table, ["width"], "Does width matter?", tmp_path / "report.html")
    text = page.read_text()
    assert "Measures against loss, by width" in text
    assert text.count("z against chance") >= 1


def test_no_sure_effect_is_said():
    generator = np.random.default_rng(1)
    rows = [{"model": w, "seed": s, "width": w, "step": 1, "failed": "", "y": generator.normal()}
            for s in range(4) for w in (1, 2)]  # fmt: skip
    found = effects(last(pd.DataFrame(rows)), ["width"], ["y"])
    assert sentences(found, "at the end") == [
        "No effect on a measure is sure at the end (q < 0.05 over 1 tests)."
    ]
