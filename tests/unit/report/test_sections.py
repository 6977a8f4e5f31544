"""What the sections show must be the numbers of the results."""

import base64
import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from somite.report.build import render
from somite.report.figures.choices import choose
from somite.report.figures.curves import curves_figure
from somite.report.figures.traces import Cell, traces_figure
from somite.report.figures.verdicts import verdict_figure
from somite.report.palette import DIVERGING
from somite.report.reading import (
    NO_CURVE,
    boundaries,
    group_of,
    group_title,
    heads,
    spread,
    stage_spans,
    steps,
)
from somite.report.sections.ablation import lead as ablation_lead
from somite.report.sections.attention import packed
from somite.report.sections.diagnostics import chosen_cells, doubtful_table, failed_table
from somite.report.sections.diagnostics import lead as diagnostics_lead
from somite.report.sections.groups import lead as groups_lead
from somite.report.sections.groups import table as group_table
from somite.report.sections.modules import sections as modules_sections
from somite.report.sections.modules import strongest
from somite.report.sections.refined import lead as refined_lead
from somite.report.sections.refined import profile_figure
from somite.report.sections.stages import boundary_table, change_table
from unit.report.synthetic import synthetic_results


def test_curves_are_drawn_at_step_plus_one_with_bands_of_two_errors() -> None:
    results = synthetic_results()
    figure = curves_figure(results, 500)
    (drawn,) = [trace for trace in figure.data if (trace.name or "").startswith("head 0:3")]
    at = list(figure.data).index(drawn)
    curve, outline = results.llc.sel(component="0:3"), figure.data[at - 1].y
    np.testing.assert_array_equal(drawn.x, np.array(steps(results)) + 1)
    np.testing.assert_allclose(drawn.y, curve["llc"], rtol=1e-6)
    upper = outline[: len(steps(results))]
    np.testing.assert_allclose(upper - drawn.y, 2 * curve["mcse"], rtol=1e-4)


def test_each_group_is_in_the_legend_once() -> None:
    figure = curves_figure(synthetic_results(), 500)
    shown = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert sorted(shown) == ["group 1", "group 2", "group 3"]


def test_a_checkpoint_that_did_not_converge_has_an_open_circle() -> None:
    figure = curves_figure(synthetic_results(), 500)
    (drawn,) = [trace for trace in figure.data if (trace.name or "").startswith("head 0:2")]
    assert [i for i, symbol in enumerate(drawn.marker.symbol) if symbol == "circle-open"] == [5]


def test_stages_fill_the_training() -> None:
    results = synthetic_results()
    spans = stage_spans(results)
    assert spans[0][0] == 0
    assert spans[-1][1] == 3000
    assert [first for first, _ in spans[1:]] == [b.step for b in boundaries(results)]


def test_changes_name_the_head_that_moved() -> None:
    rows = change_table(synthetic_results()).rows
    assert len(rows) == 4
    assert "induction of 1:5: 0." in rows[3][4]
    assert rows[0][4].startswith("no score by more than")


def test_no_boundary_is_a_row_that_says_none() -> None:
    assert boundary_table(synthetic_results(boundaries=())).rows[0][0] == "none"


def test_groups_are_counted_from_zero_whatever_the_labels() -> None:
    results = synthetic_results()
    results.groups["label"] = results.groups["label"] + 1
    assert set(group_of(results).values()) == {0, 1, 2}
    assert [row[1] for row in group_table(results.groups).rows] == ["3"] * 4


def test_failed_chains_are_in_plain_sight() -> None:
    results = synthetic_results()
    (row,) = failed_table(results).rows
    assert list(row[:5]) == ["0:3", str(steps(results)[-2]), "all", "1", "88"]
    assert [row[2] for row in doubtful_table(results).rows] == ["don't use", "usable with care"]


def test_verdicts_are_mapped_and_counted() -> None:
    results = synthetic_results()
    chains, center = verdict_figure(results.llc, "head").data
    assert (chains.z[2, 5], chains.z[3, -2], chains.z[0, 0]) == (2, 1, 0)
    assert chains.text[2, 5] == "×"
    assert chains.customdata[2, 5].startswith("don't use<br>not mixed (R-hat 1.28): raise burn_in,")
    assert chains.customdata[2, 5].endswith("&lt;b&gt;draws&lt;/b&gt;")
    assert center.z[:, :3].min() == 2
    assert center.z[:, 3:].max() == 0
    lead = diagnostics_lead(results)
    assert lead.startswith("Chains: 382 of 384 cells are good (99 %), 1 usable with care, 1 don't")
    assert "Centers: 336 of 384 cells are good (88 %), 0 usable with care, 48 don't use." in lead


def test_all_good_cells_are_said() -> None:
    results = synthetic_results()
    results.llc["verdict"][:] = "good"
    assert doubtful_table(results).rows == [["none", "–", "good", "all cells are good"]]
    center = doubtful_table(results, "center")
    assert center.note == "The worst 10 of 48; the map above shows all."


def test_a_point_of_a_curve_tells_its_verdicts() -> None:
    figure = curves_figure(synthetic_results(), 500)
    (drawn,) = [trace for trace in figure.data if (trace.name or "").startswith("head 0:2")]
    assert drawn.customdata[0][1].startswith("good<br>center: don't use<br>62 % of the draws")
    assert drawn.customdata[5][1].startswith("don't use<br>not mixed")


def test_failed_chains_on_a_domain_are_listed() -> None:
    results = synthetic_results()
    step = int(results.refined.step[-1])
    draws = results.draws(step)
    draws["status"][0, 2], draws["failed_at"][0, 2] = "diverged", 7
    results.llc["chains_failed"][:] = 0
    results.refined["chains_failed"].loc[{"step": step, "domain": "legal", "component": "0:0"}] = 1
    lost = dataclasses.replace(results, draws_by_place={(step, "legal"): draws})
    assert failed_table(lost).rows == [["0:0", str(step), "legal", "2", "7", "diverged"]]
    assert "1 chain failed (listed below)" in diagnostics_lead(lost)


def test_no_failed_chain_is_said() -> None:
    results = synthetic_results()
    results.llc["chains_failed"][:] = 0
    assert failed_table(results).rows[0][0] == "none failed"


def test_the_worst_cell_is_among_the_traces() -> None:
    results = synthetic_results()
    worst = chosen_cells(results)[0]
    cell = results.llc["r_hat_probe"].sel(step=worst.step, component=worst.component)
    assert float(cell) == float(results.llc["r_hat_probe"].max())


def test_a_cell_without_r_hat_is_not_the_worst() -> None:
    results = synthetic_results()
    results.llc["r_hat_probe"][0, 0] = np.nan
    assert chosen_cells(results)[0].step == steps(results)[5]
    results.llc["r_hat_probe"][:] = np.nan
    assert [cell.why for cell in chosen_cells(results)] == ["induction head"]


def test_the_head_that_formed_last_is_not_one_from_the_start() -> None:
    results = synthetic_results()
    results.behavior["first_token"].loc[{"component": "0:0"}] = 0.9
    assert chosen_cells(results)[-1].component == "1:2"


def test_traces_are_those_of_the_reference_probe() -> None:
    results = synthetic_results()
    step = steps(results)[0]
    draws = results.draws(step)
    other = (draws[["probe_loss"]] + 100).assign_coords(probe=["other"])
    both = draws.drop_dims("probe").merge(xr.concat([other, draws[["probe_loss"]]], "probe"))
    cells = [Cell(step, "0:0", "first")]
    for probes, count in ((["other", "reference"], 8), (["other"], 4)):
        places = {(step, "train"): both.sel(probe=probes)}
        figure = traces_figure(dataclasses.replace(results, draws_by_place=places), cells)
        assert len(figure.data) == count
        assert max(np.max(trace.y) for trace in figure.data) < 100


def test_a_view_that_could_not_be_grouped_is_named() -> None:
    results = synthetic_results()
    assert "left out" not in groups_lead(results)
    results.groups.attrs["refined_left_out"] = "mcse must be positive, got 0. Draw more."
    assert groups_lead(results).endswith("left out: mcse must be positive, got 0. Draw more.")


def test_stability_of_the_behaviour_view_is_explained() -> None:
    assert "a fifth of the heads is left out" in group_table(synthetic_results().groups).note


def test_a_largest_change_below_zero_has_one_sign() -> None:
    ablation = synthetic_results().ablation
    ablation["loss_change"][:] = -0.01
    assert "(-0.01 ± 0.004 nats/token)" in ablation_lead(ablation)


def test_noise_is_not_called_specialised() -> None:
    refined = synthetic_results().refined
    refined["llc"].loc[{"component": "0:0"}] = 0.01
    refined["llc"].loc[{"component": "0:0", "domain": "code"}] = 1.0
    refined["mcse"].loc[{"component": "0:0"}] = 1.0
    refined["llc"].loc[{"component": "0:1", "domain": "code"}] = 500.0
    refined["llc"].loc[{"component": "0:1", "domain": "wiki"}] = np.nan
    assert "on repeats" in refined_lead(refined, "head")
    refined["mcse"][:] = 1000.0
    assert "no head stands out" in refined_lead(refined, "head")


def test_patterns_survive_packing() -> None:
    results = synthetic_results()
    found = packed(results.attention, results)
    assert json.loads(json.dumps(found)) == found
    levels = np.frombuffer(base64.b64decode(found["examples"][2]["patterns"][1]), np.uint8)
    pattern = results.attention["pattern"].isel(example=2, component=1).values
    expected = pattern[np.tril_indices(len(pattern))]
    np.testing.assert_allclose(levels / 255, expected, atol=0.5 / 255 + 1e-3)


def test_relative_profiles_average_to_one() -> None:
    table = synthetic_results().refined.isel(step=0)
    cells = profile_figure(table, "head", relative=True).data[0].z
    np.testing.assert_allclose(np.mean(cells, axis=1), 1, rtol=1e-5)
    assert "on repeats" in refined_lead(synthetic_results().refined, "head")


def test_buttons_show_one_checkpoint_at_a_time() -> None:
    refined = synthetic_results().refined
    figures = [profile_figure(refined.isel(step=at), "head", relative=False) for at in range(3)]
    chosen = choose(figures, ["a", "b", "c"])
    assert [trace.visible for trace in chosen.data] == [False, False, True]
    masks = [button.args[0]["visible"] for button in chosen.layout.updatemenus[0].buttons]
    np.testing.assert_array_equal(masks, np.eye(3, dtype=bool))


@pytest.mark.parametrize("count", [1, 2, 9])
def test_labels_move_apart_and_keep_their_order(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    placed = spread(values, 0.5)
    ordered = placed[np.argsort(values)]
    assert (np.diff(ordered) >= 0.5 - 1e-9).all()
    assert placed.mean() == pytest.approx(values.mean())


def test_a_head_without_a_good_chain_is_shown_and_belongs_to_no_group() -> None:
    results = synthetic_results()
    names = [str(name) for name in results.llc.component.values]
    llc = results.llc.copy(deep=True)
    for column in ("llc", "mcse", "r_hat", "ess", "r_hat_probe", "ess_probe"):
        llc[column][3, 5] = np.nan
    lost = dataclasses.replace(
        results, llc=llc, groups=results.groups.sel(component=[n for n in names if n != names[5]])
    )
    assert group_title(lost, group_of(lost)[names[5]]) == NO_CURVE
    assert group_title(lost, group_of(lost)[names[0]]) == "group 1"
    assert NO_CURVE in render(lost)


def test_modules_are_told_with_their_chance_and_their_heads() -> None:
    results = synthetic_results()
    (section,) = modules_sections(results)
    assert section.lead.startswith(
        "At step 3k: 3 redundant modules, more than chance (p = 0.01); 1 cooperating module, "
        "no more than chance (p = 0.6)."
    )
    assert "For 2 pairs the basin is not quadratic" in section.lead
    network, table, other_network, other_table, matrix, methods, *_ = section.blocks
    found = results.modules["heads"].by_step[3000]
    sure, above = (found.q_value < 0.05).values, (found.interaction > 0).values
    for drawn, pairs, color in (
        (network, sure & above, DIVERGING[2][1]),
        (other_network, sure & ~above, DIVERGING[0][1]),
    ):
        lines = [trace for trace in drawn.figure.data if trace.mode == "lines"]
        assert len(lines) == int(pairs.sum()) // 2
        assert {line.line.color for line in lines} == {color}
    order = list(np.argsort(found.label.values[0], kind="stable"))
    shown = np.array(matrix.figure.data[0].z, dtype=float)
    np.testing.assert_allclose(shown, found.interaction.values[np.ix_(order, order)], rtol=1e-6)
    for listed in (table, other_table):
        assert sorted(", ".join(row[1] for row in listed.rows).split(", ")) == sorted(
            heads(results)
        )
    assert other_table.rows[-1][2] == "in no module"
    assert [row[3] for row in methods.rows] == ["0.10", "0.90", "0.00"]
    assert [row[5] for row in methods.rows] == ["0.00", "0.10", "0.20"]


def test_the_strongest_pair_comes_first() -> None:
    found = synthetic_results().modules["heads"].by_step[3000]
    values = [abs(pair[2]) for pair in strongest(found)]
    assert values == sorted(values, reverse=True)
    assert len(values) == found.sizes["component"] * (found.sizes["component"] - 1) // 2


def test_modules_that_were_not_measured_are_said_to_be_missing() -> None:
    (section,) = modules_sections(synthetic_results(modules={}))
    assert "`somite modules`" in section.blocks[0].text
