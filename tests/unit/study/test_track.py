"""Any series is tracked: one cell for each checkpoint, resumed with the same numbers."""

import numpy as np
import pytest
import torch
from torch import nn

import somite as so
from somite.core.errors import InputError
from somite.models import squared_error_loss
from somite.report import build_report
from somite.study import load_estimates, load_results
from somite.training.given_series import CalledCheckpoints

X = torch.linspace(-1, 1, 32)[:, None].expand(-1, 3) * torch.tensor([1.0, 0.5, 0.2])
DATA = X, X.sum(1, keepdim=True)
TARGET = so.Target(squared_error_loss, DATA, n_beta=50, localization=10)
CHAIN = {"chains": 2, "burn_in": 5, "draws": 16, "batch_size": 8, "components": "*.weight"}
KERNEL = so.BAOAB(0.05, 6.0)
STEPS = (0, 10, 100, 1000)


def network(step):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    out = tmp_path_factory.mktemp("track") / "run"
    models = {step: network(step) for step in STEPS}
    halves = {"left": (X[:16], DATA[1][:16]), "right": (X[16:], DATA[1][16:])}
    so.track(models, TARGET, KERNEL, out, domains=halves, threads=1, **CHAIN)
    return out


def test_curves_are_those_of_sample(tracked):
    found = load_results(tracked).llc
    assert found.step.values.tolist() == list(STEPS)
    probes = {"reference": (X[:16], DATA[1][:16])}
    draws = so.sample(network(100), TARGET, KERNEL, probes=probes, checkpoint=100, **CHAIN)
    assert float(found.llc.sel(step=100)[0]) == float(so.llc(draws).llc[0])


def test_the_probe_is_as_large_as_it_was_asked_to_be(tmp_path):
    chain = CHAIN | {"probe_every": 1}
    so.track({100: network(100)}, TARGET, KERNEL, tmp_path, probe_rows=4, threads=1, **chain)
    probes = {"reference": (X[:4], DATA[1][:4])}
    draws = so.sample(network(100), TARGET, KERNEL, probes=probes, checkpoint=100, **chain)
    found = load_estimates(tmp_path).ess_probe
    assert float(found.squeeze()) == float(so.llc(draws).ess_probe.squeeze())
    with pytest.raises(InputError, match="probe_rows must be a whole number of at least 1"):
        so.track({100: network(100)}, TARGET, KERNEL, tmp_path, probe_rows=0, **CHAIN)


def test_data_sets_are_sampled_at_the_last_checkpoint(tracked):
    table = load_estimates(tracked)
    assert table.data.values.tolist() == ["train", "left", "right"]
    assert np.isfinite(table.llc.values).all()


def test_stages_and_report(tracked):
    results = load_results(tracked)
    assert results.stages.sizes["step"] == len(STEPS)
    page = build_report(results, tracked / "report.html").read_text()
    assert "took shape" in page
    assert "attention scores" not in page.lower()


class Counted(CalledCheckpoints):
    """A series that names its weights, and counts how often they are loaded."""

    loaded: list[int]

    def identity(self, step):
        return f"weights {step}"


def series(loaded):
    def make(step):
        loaded.append(step)
        return network(step)

    return Counted(make, STEPS)


def test_goes_on_without_loading_what_is_there(tmp_path):
    class Stop(Exception):
        pass

    class Watch:
        def phase(self, name, total):
            pass

        def advance(self, done, note=""):
            if done > 1.5:
                raise Stop

        def say(self, text):
            pass

    first, second = [], []
    with pytest.raises(Stop):
        so.track(series(first), TARGET, KERNEL, tmp_path / "a", threads=1, watch=Watch(), **CHAIN)
    assert first == [0, 10]
    so.track(series(second), TARGET, KERNEL, tmp_path / "a", threads=1, **CHAIN)
    assert second == [10, 100, 1000]
    so.track(series([]), TARGET, KERNEL, tmp_path / "b", threads=1, **CHAIN)
    again, whole = (load_results(tmp_path / name).llc for name in "ab")
    assert again.llc.equals(whole.llc)


def test_another_setting_is_another_cell(tmp_path):
    models = {step: network(step) for step in STEPS[:1]}
    for draws in (16, 24):
        so.track(models, TARGET, KERNEL, tmp_path / "a", threads=1, **CHAIN | {"draws": draws})
    assert len(list((tmp_path / "a" / "cells" / "sampling").iterdir())) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threads": 0}, "threads must be a whole number of at least 1"),
        ({"drawz": 5}, "must be a setting of the chains"),
        ({"domains": {"empty": torch.zeros(0, 3)}}, "at least one example"),
    ],
)
def test_bad_input(tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        so.track({0: network(0)}, TARGET, KERNEL, tmp_path / "a", **CHAIN | change)
    assert not (tmp_path / "a").exists()


def test_a_domain_that_the_loss_cannot_bear_is_told_before_any_is_sampled(tmp_path):
    broken, seen = (X[:4], DATA[1][:4] * torch.nan), []

    def loss(model, batch):
        seen.append(len(batch[0]))
        return squared_error_loss(model, batch)

    target = so.Target(loss, DATA, n_beta=50, localization=10)
    models = {step: network(step) for step in STEPS}
    with pytest.raises(InputError, match="loss must be finite at the center"):
        so.track(models, target, KERNEL, tmp_path, domains={"broken": broken}, **CHAIN)
    assert sum(seen) <= 4


def test_no_checkpoints(tmp_path):
    with pytest.raises(InputError, match="at least"):
        so.track({}, TARGET, KERNEL, tmp_path / "a", **CHAIN)


def test_a_folder_of_something_else(tmp_path, tracked):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="must be new, empty or a run"):
        so.track({0: network(0)}, TARGET, KERNEL, tmp_path, threads=1, **CHAIN)
    assert (tmp_path / "notes.txt").read_text() == "mine"
