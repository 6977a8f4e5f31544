"""Each benchmark of accuracy runs in its tiny mode, and its arithmetic is right."""

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import somite as so

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import accuracy  # noqa: E402
import record  # noqa: E402
from questions import coverage, deep_linear, networks, peer, samplers, superposition  # noqa: E402


@pytest.fixture
def asked(tmp_path, capsys):
    """Ask one question in tiny mode; the stored record and what was printed."""

    def ask(name):
        accuracy.ask(name, tmp_path, tiny=True)
        text = (tmp_path / f"accuracy_{name}.json").read_text()
        return json.loads(text), capsys.readouterr().out

    return ask


def quickly(model, loss, data, **settings):
    """In place of `calibrate`, which has tests of its own: settings for short chains."""
    chains = {"batch_size": settings["batch_size"], "chains": 2, "burn_in": 20, "draws": 40}
    n_beta = superposition.N_BETA if "n" in settings else 50.0
    return SimpleNamespace(
        n_beta=n_beta, localization=300.0, kernel=so.BAOAB(0.01, 35.0),
        target=lambda loss, data: so.Target(loss, data, n_beta, 300.0),
        settings=chains, burn_in=20, draws=40,
    )  # fmt: skip


def test_deep_linear_runs(asked, monkeypatch):
    monkeypatch.setattr(deep_linear, "calibrate", quickly)
    found, printed = asked("deep_linear")
    assert {"population", "minibatches"} <= {row["data"] for row in found["networks"]}
    assert all(0 < row["truth"] <= row["asymptote"] for row in found["networks"])
    assert all(abs(row["z"]) < 8 for row in found["networks"])
    assert found["block_centers"][0]["asymptote"] == 11.5
    assert "median_error" in printed
    assert found["commit"]


def test_superposition_runs(asked, monkeypatch):
    monkeypatch.setattr(superposition, "calibrate", quickly)
    monkeypatch.setattr(superposition, "DOWNHILL", 100)
    found, _ = asked("superposition")
    assert found["points"][0]["theory"] == 7.0
    assert len(found["weak_localization"]) == 1


def test_coverage_runs(asked):
    found, _ = asked("coverage")
    assert [row["target"] for row in found["settings"]] == ["Gaussian, full gradients", "u²v²"]


def test_samplers_run(asked):
    found, _ = asked("samplers")
    kinds = {row["kernel"] for row in found["runs"]}
    assert kinds == {"SGLD", "RMSpropSGLD", "AdamSGLD", "BAOAB", "SGNHT", "MALA", "HMC"}


def test_peer_runs(asked):
    pytest.importorskip("devinterp", reason="the extra `bench` is not installed")
    found, _ = asked("peer")
    assert found["networks"][0]["best_error"] is not None


def test_networks_are_as_promised():
    sizes = [(len(n.center), n.decade, n.parameters) for n in networks.networks()]
    assert len(sizes) >= 60
    assert sum(layers >= 5 for layers, _, _ in sizes) >= 20
    assert {2, 10} <= {layers for layers, _, _ in sizes}
    assert all(10**decade <= weights < 10 ** (decade + 1) for _, decade, weights in sizes)


def test_networks_have_full_and_reduced_ranks():
    few = list(networks.networks({2: 4}))
    assert [n.reduced for n in few if n.name in ("2.0", "2.3")] == [False, False]
    assert any(n.reduced for n in few)


def test_summary_leaves_out_what_refuses_itself():
    rows = [
        {"relative_error": 0.01, "z": 1.0, "verdict": "good"},
        {"relative_error": -0.03, "z": -3.0, "verdict": "usable with care"},
        {"relative_error": 0.5, "z": 9.0, "verdict": "don't use"},
    ]
    found = deep_linear.summary(rows)
    assert found["median_error"] == pytest.approx(0.02)
    assert found["worst_error"] == pytest.approx(0.03)
    assert found["worst_error_of_all"] == pytest.approx(0.5)
    assert found["share_refused"] == pytest.approx(1 / 3)


def test_coverage_is_judged_against_the_right_value():
    rng = np.random.default_rng(0)
    llc, error = 2 + rng.standard_normal(400), np.ones(400)
    right = coverage.judged(llc, error, np.full(400, 2.0), posterior=0.0)
    assert right["coverage_of_own"] > 0.9 > 0.7 > right["coverage_of_posterior"]
    assert right["interval_for"] == "the kernel's own value"
    assert coverage.judged(llc, error, None, posterior=2.0)["interval_for"] == "posterior"


def test_binomial_range_is_exact():
    assert coverage.binomial_range(190, 200) == [0.91, 0.976]
    assert coverage.binomial_range(0, 10)[0] == 0.0


def test_descent_finds_the_basin_of_a_place(monkeypatch):
    monkeypatch.setattr(superposition, "DOWNHILL", 300)
    model = superposition._model("5")
    place = np.vstack([model.W.detach(), model.b.detach()])
    near = superposition.basins(superposition.torch.from_numpy(place)[None] + 0.01)
    assert float(near[0]) == pytest.approx(superposition._loss_at("5"), abs=1e-4)
    lower = superposition._loss_at("6") - superposition._loss_at("5")
    assert lower < -superposition.LOWER


def test_samplers_spend_equal_gradients():
    found = samplers.gaussian()
    rows = [samplers.compared(found, kernel, 105) for kernel in samplers.kernels(found)[-2:]]
    assert rows[0]["draws"] == 105 - math.ceil(10.5)
    assert rows[1]["draws"] == 10 - 1


def test_peer_leaves_out_nan_as_its_source_does():
    assert peer.peer_mean([[1.0, float("nan"), 3.0], [4.0]]) == 3.0


def test_records_hold_no_number_that_json_lacks(tmp_path):
    path = record.store(
        "x", {"a": float("nan"), "b": np.float64(2.0), "c": [{"d": math.inf}]}, tmp_path
    )
    found = json.loads(path.read_text())
    assert (found["a"], found["b"], found["c"]) == (None, 2.0, [{"d": None}])


def test_an_unknown_question_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["accuracy.py", "depth"])
    with pytest.raises(SystemExit) as end:
        accuracy.main()
    assert end.value.code == 2
    assert "no question depth" in capsys.readouterr().err
