"""The page about a calibration."""

import re
import tomllib

import numpy as np
import pytest
import xarray as xr

from somite.calibration import Calibration
from somite.report.calibration import render_calibration, settings_toml, write_calibration
from somite.report.figures.calibration import calibration_figure, ratio_figure
from somite.sampling.kernels import BAOAB


def around() -> xr.Dataset:
    """A map of two components: 3 × 3 scales, then two other steps."""
    scales = [(100.0, 100.0), *((n, g) for n in (30.0, 100.0, 300.0) for g in (30.0, 100.0, 300.0))]
    scales = list(dict.fromkeys(scales)) + [(100.0, 100.0)] * 2
    steps = [0.03] * 9 + [0.015, 0.05]
    llc = np.arange(22.0).reshape(11, 2)
    llc[3] = np.nan
    verdict = np.full((11, 2), "good", dtype="<U20")
    verdict[1, 1], verdict[3] = "usable with care", "don't use"
    pair = ("trial", "component")
    return xr.Dataset(
        {
            "llc": (pair, llc),
            "mcse": (pair, 0 * llc + 0.25),
            "verdict": (pair, verdict),
            "reason": (pair, np.where(verdict == "good", "", "<too warm> & more")),
            "n_beta": ("trial", [n for n, _ in scales]),
            "localization": ("trial", [g for _, g in scales]),
            "step_size": ("trial", steps),
            "draws": ("trial", [200] * 11),
            "chosen": ("trial", [True] + [False] * 10),
        },
        {"component": ["0:0", "<b>"]},
    )


def calibration(ratio: xr.DataArray | None = None) -> Calibration:
    trials = {
        **{name: ("trial", [100.0]) for name in ("n_beta", "localization", "step_size")},
        "draws": ("trial", [200]),
        **{name: ("trial", [1.0]) for name in ("good", "anharmonicity", "relative_error")},
        "trouble": ("trial", ["</script>"]),
        "chosen": ("trial", [True]),
    }
    known = xr.DataArray([0.5, 1.0], {"localization": [30.0, 100.0]}, "localization")
    return Calibration(
        100.0, 100.0, BAOAB(0.03, 20.0), 4, 4, 10, 200, 1.0, 1e-3, around(), xr.Dataset(trials),
        known if ratio is None else ratio, ("localization 100: <because>.",),
    )  # fmt: skip


def test_the_settings_are_toml():
    read = tomllib.loads(settings_toml(calibration()))["sampling"]
    assert read == {
        **{"n_beta": 100.0, "localization": 100.0, "kernel": "BAOAB", "step_size": 0.03},
        **{"friction": 20.0, "batch_size": 4, "chains": 4, "burn_in": 10, "draws": 200},
    }


def test_the_page_stands_alone_and_escapes(tmp_path):
    path = write_calibration(calibration(), "<my run>", tmp_path / "new" / "page.html")
    text = path.read_text(encoding="utf-8")
    assert not list(path.parent.glob("*.partial"))
    assert "&lt;my run&gt;" in text
    assert "<my run>" not in text
    assert "&lt;because&gt;" in text
    assert "</script></td>" not in text
    page = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert text.count("data-plot=") == 2


def test_without_a_basin_the_page_says_so():
    empty = xr.DataArray(np.zeros(0), {"localization": np.zeros(0)}, "localization")
    text = render_calibration(calibration(empty), "run")
    assert "No checkpoint has a basin" in text
    assert text.count("data-plot=") == 1


def test_the_map_shows_estimate_error_and_the_worst_verdict():
    left, right = calibration_figure(around()).data
    assert left.z.shape == (3, 3)
    assert right.z.shape == (3, 1)
    assert list(left.y) == ["300", "100", "30"]
    assert list(left.x) == ["30", "100", "300"]
    assert left.text[1, 1] == "<b>0.5</b> ± 0.25<br>good"
    assert left.z[1, 1] == 0
    assert left.z[2, 0] == 1  # one of the two is usable with care only
    assert left.text[2, 2].startswith("no estimate<br>don")
    assert right.text[1, 0] == left.text[1, 1]
    assert "&lt;too warm&gt; &amp; more" in left.customdata[2, 0]


def test_the_choice_has_a_frame_in_both_panels():
    frames = calibration_figure(around()).layout.shapes
    assert [(f.xref, (f.x0 + f.x1) / 2, (f.y0 + f.y1) / 2) for f in frames] == [
        ("x", 1, 1), ("x2", 0, 1),
    ]  # fmt: skip


def test_a_map_of_the_choice_alone():
    left, right = calibration_figure(around().isel(trial=[0])).data
    assert left.z.shape == right.z.shape == (1, 1)


def test_the_ratio_marks_the_chosen_localization():
    figure = ratio_figure(calibration().ratio, 100.0)
    assert figure.layout.annotations[0].x == pytest.approx(2)
    assert figure.layout.shapes[0].x0 == 100
