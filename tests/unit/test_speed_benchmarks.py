"""Each benchmark of speed and memory runs in its tiny mode, and its arithmetic is right."""

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import comparison_table  # noqa: E402
import memory  # noqa: E402
import overhead  # noqa: E402
import precision  # noqa: E402
import scaling  # noqa: E402
import table  # noqa: E402
import versus_devinterp  # noqa: E402
from speed import bars, chains, error_race, heads_model, step_race, timing  # noqa: E402
from speed.workers import workers  # noqa: E402

PEER = "the extra `bench` is not installed"


def test_text_has_structure():
    rows = heads_model.text(heads_model.SHAPE, 40)
    periods = [
        [p for p in range(16, 49) if torch.equal(row[p:], row[:-p])] for row in rows
    ]  # fmt: skip
    assert all(periods[::2])
    assert not any(periods[1::2])
    pairs = {(int(a), int(b)) for row in rows for a, b in pairwise(row)}
    assert len(pairs) < 0.8 * 40 * 127
    assert torch.equal(rows, heads_model.text(heads_model.SHAPE, 40))


def test_training_lowers_the_loss():
    model = heads_model.untrained(heads_model.TINY)
    losses = heads_model.train(model, heads_model.text(heads_model.TINY, 64), 60)
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1


def test_cost_is_read_from_the_progress():
    stamps = [(0, 10.0), (4, 13.0), (8, 15.0), (12, 15.4), (16, 15.8)]
    cost = chains.cost(stamps, 4)
    assert cost.plain == pytest.approx(0.1)
    assert cost.checked == pytest.approx(0.5)
    assert cost.setup == pytest.approx(3 - 0.4)
    assert cost.step == pytest.approx(0.1 + 4 / 250 * 0.4)


def test_progress_at_other_times_is_refused():
    with pytest.raises(ValueError, match="expected progress after every 4 chain steps"):
        chains.cost([(0, 0.0), (2, 1.0), (8, 2.0), (12, 3.0)], 4)


def test_ratios_are_taken_repeat_by_repeat():
    found = timing.ratios([2.0, 20.0, 6.0], [1.0, 10.0, 2.0])
    assert (found["median"], found["least"], found["largest"]) == (2.0, 2.0, 3.0)


def test_bars_hold_or_not():
    assert bars.bar(1, "x", 2.5, least=2.5)["holds"] == "yes"
    assert (
        bars.bar(1, "x", {"median": 2.4, "least": 2.0, "largest": 3.0}, least=2.5)["holds"] == "no"
    )
    assert bars.bar(3, "x", 1.2, most=1.15)["holds"] == "no"


def test_workers_have_their_threads():
    with workers(1, 2) as run:
        assert run(torch.get_num_threads, [()]) == [2]
    with workers(0, 2) as run:
        assert run(torch.get_num_threads, [()]) == [1]


def test_peer_by_law_is_paired_at_as_many_batches_as_steps():
    rng = np.random.default_rng(0)
    loss, center = (
        0.01 * rng.standard_normal((2, 300, error_race.STEPS)),
        rng.standard_normal((2, 300, error_race.STEPS)),
    )
    found = error_race.peer_by_law(loss, np.broadcast_to(center[:1], loss.shape))
    paired = chains.N_BETA * loss.mean(-1)
    assert np.allclose(found[error_race.STEPS], paired)
    steps = error_race.STEPS
    for batches in (1, 8, 32):
        # Means over nested sets of minibatches differ by the part that they do not share.
        expected = chains.N_BETA**2 * abs(1 / batches - 1 / steps)
        assert found[batches].var() == pytest.approx(expected, rel=0.25)


def test_seconds_to_an_error():
    cost = chains.Cost(setup=1.6, plain=0.1, checked=0.1)
    peer = {"step, layer 0": 0.2, "init": 0.05}
    law = {1: 4.0, 8: 2.0, 32: 1.0, error_race.STEPS: 0.5}
    found = error_race.row("0:3", 0.5, law, None, (cost, peer), 16)
    assert found["somite, s"] == pytest.approx(0.1 + 0.5 / 0.0025 * 20 * 0.1)
    assert found["devinterp, s"] == pytest.approx(0.5 / 0.0025 * (20 * 0.2 + 20 * 0.05))
    assert found["batches"] == error_race.STEPS


def test_versus_devinterp_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(versus_devinterp, "available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["versus_devinterp.py", "steps"])
    with pytest.raises(SystemExit) as end:
        versus_devinterp.main()
    assert end.value.code == 1
    assert "devinterp is not installed" in capsys.readouterr().err


def test_versus_devinterp_names_an_unknown_part(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["versus_devinterp.py", "memory"])
    with pytest.raises(SystemExit):
        versus_devinterp.main()
    assert "no part memory" in capsys.readouterr().err


def test_somite_is_timed_with_both_modes():
    found = {
        f"somite, {mode}": step_race.somite(run, processes, 3, 1, tiny=True)
        for mode, (processes, _) in step_race.MODES.items()
        for run in [lambda f, arguments: [f(*a) for a in arguments]]
    }
    assert all(row["rate"] > 0 for row in found.values())


@pytest.mark.slow
@pytest.mark.parametrize("part", versus_devinterp.PARTS)
def test_versus_devinterp_runs(part, tmp_path):
    pytest.importorskip("devinterp", reason=PEER)
    versus_devinterp.measure(part, tmp_path, repeats=3, tiny=True)
    found = json.loads((tmp_path / f"versus_devinterp_{part}.json").read_text())
    assert found["bars"][0]["measured"] > 0
    assert found["commit"]


def test_overhead_runs():
    found = overhead.run(repeats=1, tiny=True)
    parts = found["1 thread"]
    assert parts["noise"]["median"] < parts["without checks"]["median"]
    assert [bar["bar"] for bar in found["bars"]] == [3, 3]


def test_peak_counts_what_is_held_at_one_time():
    def work():
        first = torch.zeros(1000)
        del first
        second = torch.zeros(3000)
        return second.sum()

    assert 12_000 <= memory.peak(work) < 13_500


def test_memory_runs():
    found = memory.run(tiny=True)
    assert found["heads"][0]["MiB"] > 0
    large = found["large"]
    assert large["times the weights"] > 2


def test_scaling_runs(monkeypatch, smoke_run):
    monkeypatch.setattr(scaling, "study", lambda folder, tiny: smoke_run)
    found = scaling.run(repeats=2, tiny=True)
    assert [bar["bar"] for bar in found["bars"]] == [5, 5, 5]
    assert found["workers"]["seconds"]["1 worker"]["median"] > 0


def test_slope_is_that_of_the_logarithms():
    found = scaling.slope([{1: 2.0, 2: 8.0, 4: 32.0}, {1: 1.0, 2: 2.0, 4: 4.0}])
    assert found["repeats"] == pytest.approx([2.0, 1.0])
    assert found["error"] == pytest.approx(0.5)


def test_precision_runs():
    found = precision.run(tiny=True)
    errors = {row["pair"]: row["largest"] for row in found["pairs"]}
    assert errors["single / double, CPU"] < 0.05
    assert errors["bfloat16 / single, CPU"] > errors["single / double, CPU"]


@pytest.mark.parametrize("name", table.PAGES)
def test_pages_show_the_stored_results(name):
    page = (table.DOCS / name).read_text(encoding="utf-8")
    assert table.filled(page, table.PAGES[name](table.RESULTS)) == page


def test_page_follows_the_results(tmp_path):
    found = overhead_record()
    (tmp_path / "overhead.json").write_text(json.dumps(found))
    text = table.tables(tmp_path)
    assert "| 3 | x | 1.1 | 1 to 1.2 | ≤ 1.15 | yes |" in text
    assert "| noise | 2 |" in text
    assert text.count(table.MISSING) == 5


def test_tables_of_the_comparison(tmp_path):
    one = {"truth": "t", "group": "trained", "method": "cka", "seeds": 1, "refused": 1, "ari": -0.5}
    rows = [{"truth": "t", "method": "cka", "group": "trained", "refused": "x must be y, got 2."}]
    (tmp_path / "comparison.json").write_text(json.dumps({"summary": [one], "rows": rows}))
    text = comparison_table.tables(tmp_path)
    assert "−0.50 (1 ×)" in text
    assert "| cka | 1 | x must be y |" in text
    assert comparison_table.show(one | {"seeds": 0}, comparison_table.ari) == "×"
    assert comparison_table.tables(tmp_path / "nowhere") == table.MISSING


def overhead_record():
    one = {"median": 1.1, "least": 1.0, "largest": 1.2}
    return {
        "bars": [bars.bar(3, "x", one, most=1.15)],
        "1 thread": {"noise": {"median": 0.002}, "ratio without checks": one},
        "machine": "m, no GPU, 1 thread", "torch": "2", "commit": "c",
    }  # fmt: skip
