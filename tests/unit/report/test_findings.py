"""Sentences must follow the numbers, whichever way they point."""

import numpy as np
import pytest
import xarray as xr

from somite.estimators.verdict import CARE, GOOD
from somite.report.findings import (
    agreement_sentence,
    findings,
    heads_sentence,
    quality,
    stages_sentence,
)
from somite.report.roles import describe_group, formed_at, highest, roles
from unit.report.synthetic import JUMPS, synthetic_results


def test_there_are_three_sentences() -> None:
    assert len(findings(synthetic_results())) == 3


def test_planted_heads_are_named_at_the_step_where_they_formed() -> None:
    found = roles(synthetic_results().behavior)
    assert {name: role.score for name, role in found.items()} == {
        name: score for name, (score, _) in JUMPS.items()
    }
    for name, (_, step) in JUMPS.items():
        assert found[name].formed == pytest.approx(step, rel=0.15)


def test_heads_are_named_in_the_sentence() -> None:
    sentence = heads_sentence(synthetic_results())
    assert sentence.startswith("Previous-token head: 0:3, formed around step 42")
    assert "Induction heads: 1:" in sentence


def test_absence_of_a_head_is_said() -> None:
    results = synthetic_results()
    results.behavior["induction"] = results.behavior["induction"] * 0.1
    assert "No clear induction head formed: the highest score is 0.0" in heads_sentence(results)


def test_a_high_score_of_a_head_that_does_something_else_is_not_called_low() -> None:
    results = synthetic_results()
    results.behavior["induction"] = results.behavior["induction"] * 0.1
    results.behavior["induction"].loc[{"component": "0:3"}] = 0.62
    results.behavior["previous_token"].loc[{"component": "0:3"}] = 0.70
    sentence = heads_sentence(results)
    assert "the highest induction score is 0.62 (head 0:3), but that head" in sentence
    assert sentence.endswith("scores higher as previous-token (0.70).")


@pytest.mark.parametrize("values", [[0.6, 0.6, 0.9], [0.9, 0.4, 0.6]])
def test_a_head_that_did_not_form_in_training_is_there_from_the_start(values: list[float]) -> None:
    series = xr.DataArray(values, dims="step", coords={"step": [0, 10, 100]})
    assert np.isnan(formed_at(series))
    results = synthetic_results()
    found = results.behavior.isel(step=[0, 5, -1]).copy(deep=True)
    found["induction"].loc[{"component": "1:7"}] = values
    sentence = heads_sentence(synthetic_results(behavior=found))
    assert f"1:7, from the start (score {values[-1]:.2f})" in sentence


def test_a_study_with_too_few_checkpoints_looked_for_no_boundary() -> None:
    results = synthetic_results(boundaries=())
    few = synthetic_results(stages=results.stages.isel(k=[0]))
    assert "too few checkpoints" in stages_sentence(few)
    assert "(BIC)" in stages_sentence(results)


def test_stages_are_counted_with_their_intervals() -> None:
    sentence = stages_sentence(synthetic_results(boundaries=(405.0,)))
    assert "two stages, with the boundary at step 405 [373, 433]" in sentence


@pytest.mark.parametrize(
    ("p_value", "words"), [(0.0002, "agree closely"), (0.4, "do not agree"), (np.nan, "could not")]
)
def test_agreement_is_said_either_way(p_value: float, words: str) -> None:
    assert words in agreement_sentence(synthetic_results(p_value=p_value))


def test_missing_behavior_view_is_said() -> None:
    results = synthetic_results()
    groups = results.groups.sel(view=["curves_ward"], view_other=["curves_ward"])
    assert "were not measured" in agreement_sentence(synthetic_results(groups=groups))


def test_quality_counts_cells_and_failed_chains() -> None:
    numbers = [number for number, _ in quality(synthetic_results())]
    assert numbers[2] == "1"
    assert numbers[0].endswith("%")


def test_failed_chains_on_single_domains_are_counted() -> None:
    results = synthetic_results()
    results.refined["chains_failed"][1, 2, 3] = 2
    assert quality(results)[2] == ("3", "chains failed")
    assert quality(synthetic_results(refined=None))[2] == ("1", "chain failed")


def test_formed_at_is_unknown_for_a_series_without_change() -> None:
    flat = xr.DataArray([0.3, 0.3], dims="step", coords={"step": [0, 10]})
    assert np.isnan(formed_at(flat))


def test_highest_takes_the_last_checkpoint() -> None:
    assert highest(synthetic_results().behavior, "1:5").score == "induction"


def test_a_group_of_one_kind_is_described_in_a_word() -> None:
    assert describe_group(["1:2", "1:5"], roles(synthetic_results().behavior)) == "induction"


def test_a_share_of_good_cells_is_never_rounded_up():
    results = synthetic_results()
    results.llc["verdict"][:] = GOOD
    assert quality(results)[1][0] == "100%"
    results.llc["verdict"][0, 0] = CARE
    share = 1 - 1 / results.llc["verdict"].size
    assert int(quality(results)[1][0].rstrip("%")) <= 100 * share < 100
