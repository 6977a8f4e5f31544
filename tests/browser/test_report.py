"""The report in headless Chromium: drawn whole, silent, alive, and closed to the outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser.pages import Opened, wait_until
from somite.report import build_report
from unit.report.synthetic import synthetic_results

SECTIONS = (
    "training",
    "behavior",
    "stages",
    "groups",
    "modules",
    "response",
    "refined",
    "ablation",
    "attention",
    "diagnostics",
    "settings",
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_report(synthetic_results(), tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def opened(browser, path: Path) -> Iterator[Opened]:
    found = Opened(browser, path)
    yield found
    found.page.close()


def test_no_message_and_no_request(opened: Opened, path: Path) -> None:
    assert opened.messages == []
    assert opened.requests == [path.as_uri()]


def test_every_figure_is_drawn(opened: Opened) -> None:
    drawn = opened.page.evaluate(
        """() => [...document.querySelectorAll(".plot")].map((plot) => ({
            key: plot.id,
            marks: plot.querySelectorAll(".main-svg .trace, .main-svg .hm image").length,
            width: plot.getBoundingClientRect().width,
        }))"""
    )
    assert len(drawn) >= 12
    assert [plot for plot in drawn if plot["marks"] == 0 or plot["width"] < 300] == []


def test_every_section_has_content(opened: Opened) -> None:
    for key in SECTIONS:
        assert len(opened.page.locator(f"#{key}").inner_text()) > 60, key


def test_first_screen_fits_a_laptop(opened: Opened) -> None:
    bottom = opened.page.evaluate(
        "document.querySelector('#overview').getBoundingClientRect().bottom + scrollY"
    )
    assert bottom <= 768
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 1366


def test_hover_shows_a_label(opened: Opened) -> None:
    box = opened.page.locator("#plot-curves .scatterlayer .point").nth(15).bounding_box()
    opened.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = opened.page.locator("#plot-curves .hoverlayer .hovertext")
    label.first.wait_for(timeout=5000)
    assert "rLLC" in label.first.text_content()


def test_a_click_on_the_legend_hides_a_group(opened: Opened) -> None:
    shown = "document.querySelectorAll('#plot-curves .scatterlayer .trace').length"
    before = opened.page.evaluate(shown)
    toggle = opened.page.locator("#plot-curves .legendtoggle").first
    toggle.click()
    wait_until(opened.page, f"{shown} < {before}")
    toggle.click()
    wait_until(opened.page, f"{shown} === {before}")


def test_buttons_change_the_checkpoint(opened: Opened) -> None:
    visible = "document.querySelector('#plot-profiles').data.map((trace) => trace.visible)"
    assert opened.page.evaluate(visible) == [False, False, True]
    opened.page.locator("#plot-profiles .updatemenu-button").first.click()
    assert opened.page.evaluate(visible) == [True, False, False]


def test_the_viewer_colours_keys_and_shows_text_as_text(opened: Opened) -> None:
    tokens = opened.page.locator("#viewer-patterns .tokens span")
    assert "<script>alert(1)</script>" in tokens.all_text_contents()
    tokens.nth(20).click()
    answer = opened.page.locator("#viewer-patterns .answer")
    assert "at position 20 attends to" in answer.inner_text()
    opened.page.locator("#viewer-patterns .tokens").focus()
    opened.page.keyboard.press("ArrowRight")
    assert "at position 21 attends to" in answer.inner_text()
    colours = tokens.evaluate_all("spans => spans.map((span) => span.style.background)")
    assert all(colours[:22])
    assert not any(colours[22:])


def test_the_navigation_can_be_reached_by_keyboard(opened: Opened) -> None:
    opened.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    link = opened.page.locator('nav a[href="#diagnostics"]')
    link.focus()
    opened.page.keyboard.press("Enter")
    top = "document.querySelector('#diagnostics').getBoundingClientRect().top"
    wait_until(opened.page, f"Math.abs({top}) < 120")


def test_print_fits_the_paper(browser, path: Path) -> None:
    printed = Opened(browser, path)
    document = printed.page.pdf(prefer_css_page_size=True, print_background=True)
    assert document.startswith(b"%PDF")
    assert len(document) > 50_000
    printed.page.set_viewport_size({"width": 1032, "height": 728})  # A4 landscape, less margins
    printed.page.emulate_media(media="print")
    printed.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert printed.page.evaluate("document.documentElement.scrollWidth") <= 1032
    assert not printed.page.locator("nav").is_visible()
    assert printed.messages == []
    printed.page.close()


def test_a_report_without_optional_parts_is_as_silent(browser, tmp_path: Path) -> None:
    results = synthetic_results(refined=None, ablation=None, attention=None, boundaries=())
    opened = Opened(browser, build_report(results, tmp_path / "report.html"))
    assert opened.messages == []
    # modules, their cards and transfer, responses, data-refined, ablation, compression
    assert opened.page.locator("text=was not measured in this run").count() == 7
    opened.page.close()
