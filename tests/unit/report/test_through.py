"""Modules through time in the report: figures drawn from the numbers, tables that say them."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from somite.report.figures.alluvial import (
    GAP,
    alluvial_figure,
    blocks,
    module_color,
    module_name,
)
from somite.report.figures.modularity import agreement_figure, modularity_figure
from somite.report.figures.network import network_figure
from somite.report.figures.raster import raster_figure
from somite.report.page import Chart, Prose, Section
from somite.report.palette import FAINT, ink_on, pale
from somite.report.plain_modules import plain_modules
from somite.report.sections.modules import followed, sections
from somite.report.sections.phases import phases_sentences, phases_table
from somite.report.sections.refined import scores_table
from somite.report.sections.through import (
    METHODS,
    events_table,
    leads_table,
    sentence,
)
from somite.study.results import FoundModules, Results
from unit.report.synthetic import MODULE_STEPS, synthetic_results
from unit.report.synthetic import component_names as heads

RESULTS = synthetic_results()
FOUND = RESULTS.modules["heads"]
METHOD_NUMBERS = ["ari", "ari_p_value", "baseline_label", "baseline_p_value", "baseline", "head"]
THROUGH = FOUND.through["redundant"]


def section(results: Results) -> Section:
    """The section of the only set of components."""
    (made,) = sections(results)
    return made


def with_modules(found: FoundModules) -> Results:
    return dataclasses.replace(RESULTS, modules={"heads": found})


def moving(rows: list[list[int]]) -> xr.DataArray:
    coords = {"step": [10 * i for i in range(len(rows))], "component": list("abcd")}
    return xr.DataArray(rows, coords, ("step", "component"))


def filled(figure, between: bool) -> list:
    """Blocks, or the ribbons between them."""
    shapes = [trace for trace in figure.data if trace.fill == "toself"]
    return [t for t in shapes if (len(t.x) > 5) == between]


def test_a_block_is_as_high_as_its_module_and_ribbons_carry_every_component() -> None:
    figure = alluvial_figure(moving([[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, -1, -1]]))
    heights = [max(t.y) - min(t.y) for t in filled(figure, between=False)]
    assert heights == pytest.approx([2, 2, 3, 1, 2, 2])
    ribbons = filled(figure, between=True)
    assert len(ribbons) == 3 + 3
    carried = [t.name.split("</b>")[0].removeprefix("<b>").split() for t in ribbons]
    assert sorted(name for names in carried[:3] for name in names) == list("abcd")
    assert {t.name.split("<br>")[1] for t in ribbons[3:]} == {
        "module 1 → module 1",
        "module 1 → in no module",
        "module 2 → in no module",
    }


def test_ribbons_begin_and_end_inside_their_blocks() -> None:
    figure = alluvial_figure(moving([[0, 0, 1, 1], [1, 0, 0, 1]]))
    left, right = blocks(np.array([0, 0, 1, 1])), blocks(np.array([1, 0, 0, 1]))
    for ribbon in filled(figure, between=True):
        half = len(ribbon.y) // 2
        for at, side in ((0, left), (half - 1, right)):
            top, bottom = ribbon.y[at], ribbon.y[-1 - at]
            assert any(b.top - 1e-6 <= top < bottom <= b.bottom + 1e-6 for b in side)


def test_colours_stay_with_a_module_and_grey_is_nobody() -> None:
    figure = alluvial_figure(THROUGH.module)
    colors: dict[str, set[str]] = {}
    for trace in filled(figure, between=False):
        colors.setdefault(trace.legendgroup, set()).add(trace.fillcolor)
    assert colors == {module_name(i): {module_color(i)} for i in range(3)}
    assert module_color(-1) == FAINT
    assert blocks(np.array([-1, 0]))[1].top == 1 + GAP


def test_the_raster_shows_each_cell_once_with_its_number() -> None:
    figure = raster_figure(THROUGH.module)
    cells, numbers = figure.data
    names = list(cells.y)
    assert len(names) == THROUGH.sizes["component"]
    table = THROUGH.module.transpose("component", "step").sel(component=names)
    np.testing.assert_array_equal(np.array(cells.z, dtype=int), table.values)
    assert list(numbers.text) == [str(i + 1) for i in table.values.ravel()]
    scale = dict(zip(*zip(*figure.data[0].colorscale, strict=True), strict=True))
    assert module_color(0) in scale.values()


def test_cells_of_no_module_have_a_dash() -> None:
    figure = raster_figure(moving([[0, 0, -1, -1], [0, 0, 1, 1]]))
    assert list(figure.data[1].text) == ["1", "1", "1", "1", "–", "2", "–", "2"]
    assert figure.data[1].textfont.color[0] == ink_on(module_color(0))


def test_the_curve_has_its_null_and_full_dots_where_it_is_more_than_chance() -> None:
    figure = modularity_figure(RESULTS, THROUGH, 0.05)
    null, mean, outline, curve = figure.data
    np.testing.assert_allclose(curve.y, THROUGH.modularity, rtol=1e-6)
    np.testing.assert_allclose(null.y[:MODULE_STEPS], THROUGH.null_high)
    np.testing.assert_allclose(mean.y, THROUGH.null_mean)
    upper = np.array(outline.y[:MODULE_STEPS]) - THROUGH.modularity.values
    np.testing.assert_allclose(upper, 2 * THROUGH.modularity_sd, rtol=1e-4)
    full = np.array(curve.marker.symbol) == "circle"
    assert full.tolist() == (THROUGH.q_value < 0.05).values.tolist()
    assert 0 < full.sum() < MODULE_STEPS


def test_agreement_has_a_line_for_each_method() -> None:
    figure = agreement_figure(RESULTS, THROUGH, METHODS, 0.05)
    assert [trace.name for trace in figure.data] == list(METHODS.values())
    np.testing.assert_allclose(figure.data[1].y, THROUGH.ari.sel(baseline="cka"), rtol=1e-6)
    assert set(figure.data[0].marker.symbol) == {"circle-open"}


def test_events_are_said_with_support_and_modularity() -> None:
    rows = events_table(THROUGH).rows
    assert [row[1] for row in rows] == ["module 1 shrinks", "module 3 splits off from module 2"]
    assert all(row[3:] == ["100%", "q = 0.02"] for row in rows)
    empty = events_table(THROUGH.isel(event=[]))
    assert empty.rows[0][0] == "none"


def test_leads_say_what_comes_first_only_where_that_is_known() -> None:
    rows = {(row[0], row[1]): row for row in leads_table(THROUGH).rows}
    pair, score = "I of 0:3 × 1:5", "induction score of 1:5"
    assert rows[pair, score][3].startswith("+")
    assert rows[pair, score][-1] == pair
    assert rows[pair, "loss"][-1] == "loss"
    unsure = THROUGH.assign(lead_q_value=THROUGH.lead_q_value * 0 + 0.3)
    assert {row[-1] for row in leads_table(unsure).rows} == {"cannot be told"}
    flat = THROUGH.assign(
        lead_remark=THROUGH.lead_remark.copy(data=["does not change"] * THROUGH.sizes["lead"])
    )
    assert all(row[2] == "does not change" for row in leads_table(flat).rows)


def test_each_phase_has_loss_modularity_and_events() -> None:
    table = phases_table(RESULTS, THROUGH)
    assert [row[0].split()[0] for row in table.rows] == ["early", "feature", "late"]
    assert [row[-1] for row in table.rows] == ["none", "2", "none"]
    assert all(len(row) == len(table.columns) for row in table.rows)
    empty = THROUGH.assign(phase_first_step=THROUGH.phase_first_step * np.nan)
    assert phases_table(RESULTS, empty).rows[0][1] == "no checkpoint"
    elsewhere = THROUGH.assign(phase=THROUGH.phase.copy(data=["late fine-tuning"] * MODULE_STEPS))
    assert phases_table(RESULTS, elsewhere).rows[0][3] == "no modules measured"


def test_each_phase_is_said_in_words_with_its_numbers() -> None:
    said = phases_sentences(RESULTS, THROUGH)
    early, feature, late = said.split("learning. ")[1].split(". ")
    assert early.startswith("Early error reduction (steps 0 to ")
    table = {row[0].split()[0]: row for row in phases_table(RESULTS, THROUGH).rows}
    for sentence_of, name in ((early, "early"), (feature, "feature"), (late, "late")):
        assert table[name][2].replace(" → ", " to ") in sentence_of
        checkpoints = f"at {table[name][4].removesuffix('s')}"
        assert checkpoints in sentence_of
    assert "2 events" in feature
    assert late.endswith("no events.")


def test_phases_without_checkpoints_or_modules_are_said() -> None:
    empty = THROUGH.assign(phase_first_step=THROUGH.phase_first_step * np.nan)
    assert "Late fine-tuning: no checkpoint." in phases_sentences(RESULTS, empty)
    elsewhere = THROUGH.assign(phase=THROUGH.phase.copy(data=["late fine-tuning"] * MODULE_STEPS))
    assert "no modules measured" in phases_sentences(RESULTS, elsewhere)
    falling = elsewhere.assign(modularity=("step", np.linspace(3.0, -3.0, MODULE_STEPS)))
    assert "falls from" in phases_sentences(RESULTS, falling)
    once = phases_sentences(RESULTS, THROUGH.isel(step=[0]))
    assert "at one checkpoint; more than chance at 0 of 1 checkpoint;" in once


def test_the_lead_counts_checkpoints_and_events() -> None:
    assert sentence(THROUGH).startswith("Redundant modules are more than chance at 4 of 8 checkp")
    other = FOUND.through["cooperating"]
    assert sentence(other).startswith("Cooperating modules are more than chance at 0 of 8 checkp")
    assert "2 events" in sentence(THROUGH)
    assert "no events" in sentence(THROUGH.isel(event=[]))
    assert "1 event in" in sentence(THROUGH.isel(event=[0]))


def test_the_section_has_the_time_course_of_both_kinds_only_where_there_is_one() -> None:
    titles = [block.title for block in section(RESULTS).blocks if not isinstance(block, Prose)]
    for kind in ("Redundant", "Cooperating"):
        assert f"{kind} modules through training" in titles
        assert f"Do other methods find the same {kind.lower()} modules" in titles
        assert f"{kind} modules in each phase of learning" in titles
    alone = section(with_modules(FoundModules(FOUND.by_step)))
    assert len(alone.blocks) == 6
    measured = ["ari", "ari_p_value", "baseline_p_value", "phase"]
    bare = THROUGH.drop_vars(measured).assign_attrs(phases_note="loss must fall")
    short = section(with_modules(FoundModules(FOUND.by_step, {"redundant": bare}))).blocks
    assert len(short) == 6 + 6
    assert short[7].text == "Phases of learning are not told apart: loss must fall"


def test_names_of_figures_are_unique_on_a_page_with_several_sets() -> None:
    two = dataclasses.replace(RESULTS, modules={"heads": FOUND, "heads,mlps": FOUND})
    first, second = sections(two)
    keys = [b.key for s in (first, second) for b in s.blocks if isinstance(b, Chart)]
    assert len(keys) == len(set(keys))
    assert (first.key, second.key) == ("modules", "modules-2")
    assert first.title.endswith(": attention heads")
    assert second.title.endswith(": attention heads and MLPs")
    assert second.short == "Modules: attention heads and MLPs"


def test_modules_keep_their_number_in_all_figures_of_the_section() -> None:
    assert followed(np.array([4, 4, 1, -1, -1]), 6).tolist() == [4, 4, 1, 6, 7]
    network = section(RESULTS).blocks[0].figure.data[-1]
    last = THROUGH.module.sel(step=3000).values
    assert list(network.marker.color) == [module_color(i) for i in last]
    lonely = (
        FOUND.by_step[3000].sel(relation="redundant").assign(label=("component", np.arange(16)))
    )
    alone = network_figure(lonely, 0.05)
    assert set(alone.data[-1].marker.color) == {FAINT}


def test_a_module_that_may_be_chance_is_pale() -> None:
    found = FOUND.by_step[3000].sel(relation="redundant")
    stable = np.where(found.label.values == found.label.values[0], 0.5, 0.75)
    alone = [list(found.label.values).count(i) == 1 for i in found.label.values]
    plain = np.where(alone, FAINT, [module_color(i) for i in found.label.values])
    faded = np.where(alone, FAINT, [pale(module_color(i)) for i in found.label.values])
    assert found.p_adjusted < 0.05

    def colors(**changed: object) -> list[str]:
        return list(network_figure(found.assign(changed), 0.05).data[-1].marker.color)

    assert colors(p_adjusted=0.6) == faded.tolist()
    expected = np.where(stable < 0.75, faded, plain).tolist()
    assert colors(module_stability=("component", stable)) == expected


def test_a_checkpoint_sampled_again_keeps_its_own_modules() -> None:
    found = FOUND.by_step[3000]
    turned = found.copy()
    turned["label"] = found.label.copy(data=np.tile(np.arange(16) % 4, (2, 1)))
    again = with_modules(FoundModules({3000: turned}, FOUND.through))
    colors = section(again).blocks[0].figure.data[-1].marker.color
    assert list(colors) == [module_color(i) for i in range(4)] * 4
    assert section(RESULTS).blocks[0].figure.data[-1].marker.color != colors


def test_components_that_are_no_heads_are_not_called_heads() -> None:
    names = [name if i % 2 else f"{name[0]}:neurons{i}" for i, name in enumerate(heads())]
    renamed = {"component": names, "other": names}
    found = FOUND.by_step[3000].drop_vars(METHOD_NUMBERS).assign_coords(renamed)
    results = dataclasses.replace(
        RESULTS, modules={"heads,neuron_groups:4": FoundModules({3000: found})}
    )
    made = section(results)
    network, table, *_, matrix, methods = made.blocks
    assert made.title == "Modules by interaction: attention heads and neuron groups"
    nodes = network.figure.data[-1]
    assert "head" not in nodes.hovertemplate
    assert len(set(zip(nodes.x, nodes.y, strict=True))) == len(names)
    assert set(nodes.textposition) == {"middle center", "bottom center"}
    assert matrix.figure.layout.xaxis.title.text == "component"
    assert table.columns[1] == "heads and neuron groups"
    assert "neurons (" in " ".join(row[2] for row in table.rows)
    assert "Other methods are compared on heads" in methods.text


def test_modules_are_plain_values_for_json() -> None:
    plain = json.loads(json.dumps(plain_modules(RESULTS.modules)))["heads"]
    assert plain["step"] == 3000
    redundant, cooperating = (plain["relations"][r] for r in ("redundant", "cooperating"))
    assert redundant["p_adjusted"] == 0.01
    named = [name for module in cooperating["modules"] for name in module["components"]]
    assert sorted(named) == sorted(heads())
    assert cooperating["modules"][0]["components"] == ["0:0", "1:7"]
    assert len(plain["pairs"]) == 120
    assert len(plain["through"]["cooperating"]["q_value"]) == MODULE_STEPS
    early = min(FOUND.by_step)
    assert plain_modules(RESULTS.modules, early)["heads"]["step"] == early


def test_specialisation_is_told_with_its_error() -> None:
    table = scores_table(RESULTS, RESULTS.refined)
    rows = {row[0]: row for row in table.rows}
    assert len(rows) == 16
    assert rows["1:5"][1].startswith("repeats")
    assert float(rows["1:5"][3].split(" ± ")[0]) > 0.5
    assert all("±" in cell for cell in rows["0:0"][1:5])


def test_heads_without_a_positive_value_are_left_out_and_named() -> None:
    broken = synthetic_results()
    broken.draws_by_place.refined["llc"][..., 2] = -1.0
    table = scores_table(broken, broken.refined)
    assert len(table.rows) == 15
    assert table.note.endswith("Left out, without a positive value: 0:2.")
