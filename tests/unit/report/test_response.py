"""The page of responses: what it says, how it packs tokens, and what it leaves out."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from somite.report import build_report, build_response
from somite.report.figures.response import loadings_figure, matrix_figure, singular_figure, unit_of
from somite.report.page import Prose, Table
from somite.report.sections import influence, response, response_summary, response_text
from somite.study.results import Results
from unit.report.synthetic import synthetic_results
from unit.report.synthetic_response import KNOWN, influences
from unit.report.synthetic_response import response as responses


@pytest.fixture(scope="module")
def results() -> Results:
    return synthetic_results(response={3000: responses()}, influence={3000: influences()})


def numbers(packed: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed), kind)


def test_known_heads_lie_apart_and_the_control_is_said(results) -> None:
    first, shared, rank, apart = response.sentences(results)
    assert first.startswith("At step 3k, ")
    assert "of 48 answers of components to domains differ from the control" in first
    assert "median of the 16 of 16 components" in shared
    assert "(posterior)" in rank
    assert "(shuffled)" in rank
    assert "0:3 (previous-token), 1:2 (induction), 1:5 (induction)) lie apart from" in apart
    found = response.separated(results)
    assert found["posterior"].p_any < 0.05 < found["control"].p_any


def test_roles_are_those_of_the_step(results) -> None:
    assert tuple(response.known_roles(results)) == KNOWN
    early = responses().assign_attrs(step=5)
    before = replace(results, response={5: early})
    assert response.known_roles(before) == {}
    assert "No head is a previous-token or induction head" in response.sentences(before)[-1]
    assert any(isinstance(block, Prose) for block in response.section(before).blocks)
    no_scores = replace(results, behavior=results.behavior.isel(step=0, drop=True))
    assert response.known_roles(no_scores) == {}


def test_a_role_that_a_whole_layer_has_cannot_be_tested(results) -> None:
    table = responses().sel(component=["0:3", "1:2", "1:5"]).isel(mode=slice(3))
    assert (
        "have no others in their layers"
        in response.sentences(
            replace(results, response={3000: table.sel(component=["0:3", "1:2"])})
        )[-1]
    )


def test_figures_show_errors_and_the_control(results) -> None:
    table = responses()
    cells = matrix_figure(table, 0.05).data[0]
    assert cells.z.shape == (16, 3)
    assert "control" in cells.customdata[0][0]
    assert cells.text[3][2].endswith("∗")
    names = [trace.name for trace in singular_figure(table).data]
    assert names == ["posterior", "control, no loss", "posterior, tokens shuffled"]
    figure = loadings_figure(table, {name: "induction" for name in KNOWN})
    assert len(figure.data) == 9
    known = next(trace for trace in figure.data if trace.name == "induction")
    assert list(known.text) == list(KNOWN)
    assert [round(x) for x in known.x] == [3, 10, 13]
    assert (np.asarray(known.error_y.array) > 0).all()


def test_tokens_survive_packing(results) -> None:
    table = responses()
    packed = response_text.packed(table, results)
    unit = unit_of(table.token_susceptibility)[0]
    one = packed["components"][3]
    assert (one["name"], one["role"], packed["first"]) == ("0:3", "previous-token", 3)
    values = numbers(one["own"]["values"], "<i2") * one["own"]["step"] * unit
    truth = table.token_susceptibility.values[3].ravel()
    np.testing.assert_allclose(values, truth, atol=np.abs(truth).max() / 32767)
    steps = numbers(one["ownError"]["values"], np.uint8)
    errors = one["ownError"]["low"] * one["ownError"]["factor"] ** steps * unit
    np.testing.assert_allclose(errors, table.token_mcse.values[3].ravel(), rtol=0.02)
    flags = np.unpackbits(numbers(one["differs"], np.uint8))[: truth.size].astype(bool)
    np.testing.assert_array_equal(flags, table.token_control_q.values[3].ravel() < 0.05)
    words = np.array(packed["vocabulary"])[numbers(packed["ids"], "<u2")]
    assert words.tolist() == table.text.values[table.token_id.values.ravel()].tolist()
    json.dumps(packed, allow_nan=False)


def test_a_table_too_large_for_the_page_is_sampled_and_said(results, monkeypatch) -> None:
    whole = response_text.lead(responses(), response_text.sampled(responses()))
    assert whole.startswith("108 tokens: ")
    assert "Too many" not in whole
    monkeypatch.setattr(response_text, "MOST", 16 * 9 * 5)
    few = response_text.sampled(responses())
    assert few.sizes["example"] == 5
    assert set(few.domain.values) == {"code", "wiki", "repeats"}
    said = response_text.section(results).lead
    assert said.endswith(
        "Too many for a page: shown are 45 tokens, 5 of the 12 rows, evenly spread."
    )


def test_zero_and_constant_numbers_are_packed() -> None:
    assert response_text.linear(np.zeros(3))["step"] == 1.0
    same = response_text.logarithmic(np.full(3, 2.0))
    assert (same["low"], same["factor"]) == (2.0, 1.0)
    none = response_text.logarithmic(np.zeros(2))
    assert none["low"] == 1.0


def test_influences_have_errors_and_text(results) -> None:
    packed = influence.packed(influences())
    assert len(packed["rows"]) == 16
    row = packed["rows"][0][0]["examples"][0]
    assert "±" in row[2]
    token = packed["rows"][0][0]["tokens"][0]
    assert "▸" in token[1]
    assert influence.lead(influences()).startswith("At step 3k: of the 5 largest influences on")


def test_both_pages_are_written(results, tmp_path) -> None:
    page = build_response(results, tmp_path / "response.html").read_text()
    assert "<script>alert(1)</script>" not in page
    assert page.count("data-token-viewer=") == 1
    assert page.count("data-influence-viewer=") == 1
    report = build_report(results, tmp_path / "report.html").read_text()
    assert "Text coloured by the answers, and influences: response.html" in report
    assert "data-token-viewer=" not in report


def test_what_was_not_measured_is_said() -> None:
    results = synthetic_results()
    for module in (response, response_summary, response_text, influence):
        section = module.section(results)
        assert "`somite " in section.blocks[0].text
        assert "was not measured in this run." in section.blocks[0].text


def test_tables_say_how_far_to_trust(results) -> None:
    tables = {b.title: b for b in response.section(results).blocks if isinstance(b, Table)}
    trust = dict(tables["How far to trust it"].rows)
    assert trust["tokens × components × draws"] == "108 × 16 × 160"
    assert trust["chains left out (posterior, control)"] == "0, 0"
    assert len(tables["Do heads of known roles lie apart?"].rows) == 2
    assert len(tables["Singular values"].rows) == 6
