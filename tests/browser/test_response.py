"""The page of responses in headless Chromium: alive, silent, and quick with many tokens."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from browser.pages import Opened, wait_until
from somite.report import build_response
from somite.report.figures.motion import motion_figure
from somite.report.figures.response import unit_of
from unit.report.synthetic import synthetic_results
from unit.report.synthetic_response import clusters, influences, pictured, response

VIEWER = "#viewer-tokens"
MANY = 1588
"""Rows of 63 tokens: more than 100,000."""


def page_of(folder: Path, table: xr.Dataset, found: xr.Dataset | None = None) -> Path:
    results = synthetic_results(response={3000: table}, influence={3000: influences()},
                                motion={3000: pictured()},
                                clusters={3000: found or clusters()})  # fmt: skip
    return build_response(results, folder / "response.html")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory.mktemp("response"), response(rows=8))


@pytest.fixture(scope="module")
def opened(browser, path: Path) -> Iterator[Opened]:
    found = Opened(browser, path)
    yield found
    found.page.close()


def test_no_message_and_no_request(opened: Opened, path: Path) -> None:
    assert opened.messages == []
    assert opened.requests == [path.as_uri()]
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 1366


def test_a_token_tells_its_answer_with_its_error(opened: Opened) -> None:
    page = opened.page
    page.locator(f"{VIEWER} [data-part=components] button", has_text="0:3").click()
    token = page.locator(f"{VIEWER} .tokens [data-at='12']")
    token.hover()
    answer = page.locator(f"{VIEWER} .answer").inner_text()
    found = response(rows=8)
    unit, words = unit_of(found.token_susceptibility)
    value = float(found.token_susceptibility.values[3].ravel()[12]) / unit
    error = float(found.token_mcse.values[3].ravel()[12]) / unit
    assert f"in {words}" in answer
    shown, after = answer.split(" is ")[1].split(", without")[0].split(" ± ")
    assert float(shown) == pytest.approx(value, abs=0.06 * error + 0.01 * abs(value))
    assert float(after) == pytest.approx(error, rel=0.1)
    assert token.get_attribute("title") == f"χ {shown} ± {after}"
    page.locator(f"{VIEWER} .tokens").focus()
    page.keyboard.press("ArrowRight")
    assert "at position 5 of row 1" in page.locator(f"{VIEWER} .answer").inner_text()


def test_text_stays_text_and_signs_have_colours(opened: Opened) -> None:
    tokens = opened.page.locator(f"{VIEWER} .tokens [data-at]")
    assert "<script>alert(1)</script>" in tokens.all_text_contents()
    colours = tokens.evaluate_all(
        "spans => spans.map((span) => [span.title, span.style.background])"
    )
    for title, colour in colours:
        red, _, blue = map(int, colour[4:-1].split(", "))
        negative = title.startswith("χ -")
        assert blue >= red if negative else red >= blue


def test_choices_change_the_text_and_the_list(opened: Opened) -> None:
    page = opened.page
    listed = page.locator(f"{VIEWER} [data-part=listed]")
    assert listed.inner_text().startswith("216 tokens")
    page.locator(f"{VIEWER} [data-part=groups] button", has_text="repeats").click()
    assert listed.inner_text().startswith("72 tokens")
    page.locator(f"{VIEWER} button", has_text="only what differs").click()
    count = int(listed.inner_text().split()[0])
    differs = response(rows=8).token_control_q.values[3, -8:] < 0.05
    assert count == differs.sum()
    plain = page.locator(f"{VIEWER} .tokens [data-at]:not(.sure)")
    assert not any(plain.evaluate_all("spans => spans.map((span) => span.style.background)"))
    page.locator(f"{VIEWER} button", has_text="only what differs").click()
    page.locator(f"{VIEWER} [data-part=groups] button", has_text="all domains").click()
    page.locator(f"{VIEWER} [data-part=on]").click()
    assert page.locator(f"{VIEWER} [data-part=where]").inner_text() == "page 2 of 2, 24 rows"
    page.locator(f"{VIEWER} .listing [data-at]").first.click()
    strongest = int(np.abs(response(rows=8).token_susceptibility.values[3]).argmax())
    assert page.locator(f"{VIEWER} .tokens .query").get_attribute("data-at") == str(strongest)


def test_influences_of_a_query(opened: Opened) -> None:
    page = opened.page
    rows = page.locator("#viewer-influences tbody tr")
    assert rows.count() == 5
    before = rows.all_inner_texts()
    page.locator("#viewer-influences [data-part=components] button").nth(4).click()
    assert rows.all_inner_texts() != before
    page.locator("#viewer-influences button", has_text="on its token").click()
    assert "▸" in rows.first.inner_text()
    assert page.locator("#viewer-influences .tokens .query").count() == 1


def test_a_cluster_shows_its_components_and_tokens(opened: Opened) -> None:
    page, table = opened.page, clusters()
    page.locator("#viewer-clusters [data-part=rows] tr").first.click()
    answer = page.locator("#viewer-clusters .answer").inner_text()
    assert answer.startswith("Cluster 0: 216 tokens")
    assert answer.endswith("It survives all controls.")
    bars = page.locator("#viewer-clusters .bars b").all_inner_texts()
    assert sorted(bars[:3]) == ["0:3", "1:2", "1:5"]
    lines = page.locator("#viewer-clusters [data-at]")
    assert 0 < lines.count() < 60
    deepest = int(np.flatnonzero(table.inside == table.inside.max())[0])
    assert lines.first.get_attribute("data-at") == str(deepest)
    lines.nth(3).click()
    row = page.locator("#viewer-clusters [data-part=row]")
    assert row.locator(".query.member").count() == 1
    assert row.locator(".member").count() == 9  # the first token of the row has no loss
    page.locator("#viewer-clusters button", has_text="largest").click()
    assert opened.messages == []


def test_a_hundred_thousand_clustered_tokens_stay_usable(browser, tmp_path: Path) -> None:
    found = Opened(browser, page_of(tmp_path, response(rows=8), many_clustered()))
    viewer = "document.getElementById('viewer-clusters')"
    nodes = f"{viewer}.querySelectorAll('*').length"
    assert found.page.evaluate(nodes) < 6000  # 200 clusters, and of 100,000 tokens those in view
    press = f"{viewer}.querySelector('[data-cluster=\"7\"] button').click()"
    took = found.page.evaluate(
        f"(() => {{ const t = performance.now(); {press}; return performance.now() - t; }})()"
    )
    assert took < 2000
    assert found.page.locator("#viewer-clusters .answer").inner_text().startswith("Cluster 7: ")
    assert found.messages == []
    found.page.close()


def many_clustered() -> xr.Dataset:
    """So many tokens in 200 clusters."""
    random, small = np.random.default_rng(0), clusters()
    ids = random.integers(len(small.text), size=(MANY, 64))
    items = ("example", "token")
    kinds = random.random((small.sizes["category"], MANY, 63)) < 0.1
    wide = small.isel(cluster=np.zeros(200, int)).assign_coords(cluster=np.arange(200))
    own = ["label", "inside", "category_member", "token_id", "domain"]
    return wide.drop_vars([*own, "example"]).assign(
        label=(items, random.integers(-1, 200, size=(MANY, 63))),
        inside=(items, random.random((MANY, 63))),
        category_member=(("category", *items), kinds),
        token_id=(("example", "position"), ids),
        domain=("example", [str(small.domain.values[0])] * MANY),
        example=np.arange(MANY),
    )


def test_a_hundred_thousand_tokens_stay_usable(browser, tmp_path: Path) -> None:
    found = Opened(browser, page_of(tmp_path, many()))
    listed = f"document.querySelector('{VIEWER} [data-part=listed]').textContent"
    assert found.page.evaluate(listed).startswith("100,044 tokens")
    nodes = f"document.querySelectorAll('{VIEWER} *').length"
    assert found.page.evaluate(nodes) < 1500
    press = f"document.querySelectorAll('{VIEWER} [data-part=components] button')[9].click()"
    took = found.page.evaluate(
        f"(() => {{ const t = performance.now(); {press}; return performance.now() - t; }})()"
    )
    assert took < 5000
    box = f"document.querySelector('{VIEWER} .listing')"
    found.page.evaluate(f"{box}.scrollTop = {box}.scrollHeight")
    wait_until(
        found.page,
        f"[...{box}.querySelectorAll('[data-at]')].some((line) => line.offsetTop > 2400000)",
    )
    assert found.page.evaluate(nodes) < 1500
    assert found.messages == []
    found.page.close()


def many() -> xr.Dataset:
    """A table of so many tokens, of which only the answers differ from the small one."""
    random, small = np.random.default_rng(0), response()
    dims = ("component", "example", "token")
    shape = (16, MANY, 63)
    names = [name for name, values in small.items() if values.dims == dims]
    columns = {name: (dims, random.normal(size=shape).astype(np.float32)) for name in names}
    columns |= {name: (dims, np.abs(columns[name][1])) for name in names if "susc" not in name}
    table = small.drop_vars([*names, "domain", "token_id"]).assign(columns)
    ids = random.integers(len(small.text), size=(MANY, 64))
    domain = [str(small.group.values[3 * i // MANY]) for i in range(MANY)]
    return table.assign(token_id=(("example", "position"), ids), domain=("example", domain))


def test_tokens_move_when_played(opened: Opened) -> None:
    page, plot = opened.page, "document.getElementById('plot-token-motion')"
    frames = motion_figure(pictured()).frames
    first, last = (frame.data[0].x[0] for frame in frames)
    place = f"{plot}.data[0].x[0]"
    assert page.evaluate(place) == pytest.approx(last)
    page.locator("#plot-token-motion .updatemenu-button", has_text="play").click()
    wait_until(page, f"Math.abs({place} - {first}) < 1e-6")
    wait_until(page, f"Math.abs({place} - {last}) < 1e-6")
    assert page.evaluate(f"{plot}.layout.sliders[0].active") == len(frames) - 1
    assert opened.messages == []
