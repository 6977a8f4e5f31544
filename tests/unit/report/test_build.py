"""The report as a file: whole, self-contained, small, and safe whatever text it holds."""

import re
from pathlib import Path

import pytest

from somite.report import build_report
from somite.report.build import SECTIONS, all_sections, render
from somite.report.page import Chart
from unit.report.synthetic import synthetic_results

OPTIONAL = ("refined", "ablation", "attention")


@pytest.fixture(scope="module")
def page() -> str:
    return render(synthetic_results())


def test_writes_one_file_and_returns_its_path(tmp_path: Path) -> None:
    path = build_report(synthetic_results(), tmp_path / "deep" / "report.html")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    assert path.stat().st_size < 15e6


def test_writes_over_an_old_report(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    build_report(synthetic_results(), str(path))
    assert path.read_text().startswith("<!doctype html>")


def test_plotly_is_inlined_once_and_nothing_is_loaded(page: str) -> None:
    assert page.count("* plotly.js v") == 1
    without_scripts = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r'\b(src|href)="(?!#|data:)', without_scripts)
    assert "default-src 'none'" in page


def test_text_from_the_study_cannot_become_a_tag(page: str) -> None:
    assert "<script>alert(1)" not in page
    assert "wheel &lt;sha256&gt;" in page


def test_each_figure_and_section_has_its_own_name(page: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', page.split("<main>")[1].split("plotly.js v")[0])
    assert len(names) == len(set(names))
    assert len(re.findall(r"data-plot=", page.split("plotly.js v")[0])) >= 10


def test_the_navigation_leads_to_every_section(page: str) -> None:
    for section in all_sections(synthetic_results()):
        assert f'href="#{section.key}"' in page
        assert f'<section id="{section.key}"' in page


@pytest.mark.parametrize("field", OPTIONAL)
def test_what_was_not_measured_is_said(field: str) -> None:
    sections = {s.key: s for s in all_sections(synthetic_results(**{field: None}))}
    (block,) = sections[field].blocks
    assert block.text.endswith("was not measured in this run.")
    assert len(sections) == len(SECTIONS)


def test_a_study_without_boundaries_and_with_many_layers() -> None:
    page = render(synthetic_results(layers=4, boundaries=()))
    assert "one stage only" in page


@pytest.mark.parametrize(
    ("chosen", "title"),
    [("layers", "16 layers"), ("channels:conv/8", "16 channel groups"), ("b3f1", "16 components")],
)
def test_components_of_a_tracked_series_are_called_what_they_are(chosen: str, title: str) -> None:
    whole = synthetic_results()
    page = render(
        synthetic_results(
            settings={"components": chosen},
            behavior=whole.behavior.drop_vars(list(whole.behavior.data_vars)),
            groups=whole.groups.sel(view=["curves_ward"], view_other=["curves_ward"]),
            training=whole.training[["loss"]].isel(domain=[0]),
        )
    )
    assert f"When {title} took shape" in page
    said = page.split("<script>")[0].replace("<head>", "").replace("</head>", "")
    assert re.findall(r".{40}\b[Hh]eads?\b.{20}", said) == []
    assert "nats" not in said


def test_every_chart_has_units_on_its_axes() -> None:
    charts = [
        b for s in all_sections(synthetic_results()) for b in s.blocks if isinstance(b, Chart)
    ]
    assert len(charts) >= 9
    for chart in charts:
        if chart.key == "agreement":  # its axes are the names of the views
            continue
        layout = chart.figure.to_plotly_json()["layout"]
        titles = [
            axis.get("title", {}).get("text") for name, axis in layout.items() if "axis" in name
        ]
        assert any(titles), chart.key
