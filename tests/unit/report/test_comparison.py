"""The figure of a comparison: controls apart, refusals marked, one page that needs nothing else."""

import numpy as np

from somite.report.comparison import render_comparison, write_comparison
from somite.report.figures.comparison import comparison_figure
from somite.truths.tables import summary

BASE = {"components_are": "neurons", "seconds": 1.0}


def rows():
    found = []
    for seed in range(2):
        for method, family in (("interaction", "LLC"), ("cka", "activations")):
            own = {**BASE, "seed": seed, "method": method, "family": family}
            found += [
                {**own, "truth": "blocks <b>", "group": "planted", "ari": 0.5 + seed / 2, "p": 0.5},
                {**own, "truth": "noise", "group": "control", "ari": 0.1, "p": 0.01 + 0.1 * seed},
            ]
            if method == "interaction":
                pair = {"truth": "u²v²", "group": "pair", "weight": 0.1, "sign_right": seed == 0}
                found.append({**own, **pair})
    found.append(
        {**BASE, "seed": 0, "truth": "dead", "group": "trained", "method": "cka",
         "family": "activations", "refused": "constant activations"}
    )  # fmt: skip
    return found


def panels():
    lines = summary(rows())
    return comparison_figure(lines, {"interaction": "LLC", "cka": "activations"})


def test_three_panels_show_three_things():
    known, control, pair = panels().data
    assert known.z[0].tolist() == [0.75, 0.75]
    assert known.text[0].tolist() == ["0.75", "0.75"]
    assert control.text[0].tolist() == ["1 of 2", "1 of 2"]
    assert control.z[0].tolist() == [0.5, 0.5]
    assert control.colorscale != known.colorscale
    assert pair.text[0].tolist() == ["1 of 2", ""]
    assert np.isnan(pair.z[0][1])


def test_a_refusal_and_what_does_not_apply_look_different():
    known = panels().data[0]
    dead = list(known.y).index("dead")
    assert known.text[dead].tolist() == ["", "×"]
    assert known.customdata[dead].tolist() == ["does not apply", "refused in 1<br>1.0 s"]


def test_panels_without_rows_are_left_out():
    lines = [line for line in summary(rows()) if line["group"] == "pair"]
    figure = comparison_figure(lines, {"interaction": "LLC"})
    assert len(figure.data) == 1
    assert "right sign" in figure.layout.annotations[0].text


def test_names_are_text_and_families_are_written():
    figure = panels()
    assert "blocks &lt;b&gt;" in figure.data[0].y
    said = [mark.text for mark in figure.layout.annotations]
    assert {"LLC", "activations"} <= set(said)


def test_the_page_is_whole_and_asks_for_nothing(tmp_path):
    path = write_comparison(rows(), tmp_path / "deep" / "page.html")
    page = path.read_text(encoding="utf-8")
    assert page == render_comparison(rows())
    assert "mean over up to 2 networks" in page
    assert "default-src 'none'" in page
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]
