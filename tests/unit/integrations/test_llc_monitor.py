import math

import numpy as np
import pytest
import torch
from torch import nn

import somite as so
from somite.core.errors import InputError
from somite.integrations import LLCMonitor
from somite.integrations import llc_monitor as module
from unit.integrations.small import ROWS, SETTINGS, monitor, network, squares


@pytest.fixture
def count(monkeypatch) -> list[int]:
    """Grows with each call of `sample`."""
    calls: list[int] = []

    def counted(*arguments: object, **settings: object) -> object:
        calls.append(1)
        return so.sample(*arguments, **settings)

    monkeypatch.setattr(module, "sample", counted)
    return calls


def test_it_measures_what_llc_measures(tmp_path):
    watch, model = monitor(tmp_path), network().train()
    found = watch(model, 4)
    target = so.Target(squares, ROWS, n_beta=10, localization=5)
    expected = so.llc(so.sample(model, target, so.SGLD(1e-3), checkpoint=4, **SETTINGS))
    assert found == {
        "somite/llc/full": expected.llc.item(),
        "somite/mcse/full": expected.mcse.item(),
    }
    table = watch.table()
    assert table.step.values.tolist() == [4]
    assert table.reason.sel(component="full").item() == expected.reason.item()
    assert watch(model, 5) == {}
    assert watch.table().step.values.tolist() == [4]


def test_the_table_grows_and_is_resumed(tmp_path, count):
    model = network()
    first = [monitor(tmp_path)(model, step) for step in (0, 2)]
    assert len(count) == 2
    again = monitor(tmp_path)
    assert [again(model, step) for step in (0, 2)] == first
    assert len(count) == 2  # read, not measured
    model[0].weight.data += 0.1
    assert again(model, 2) != first[1]  # training went another way
    assert again(model, 4)
    assert again.table().step.values.tolist() == [0, 2, 4]
    assert len(count) == 4


def test_a_folder_of_other_settings_is_refused(tmp_path):
    monitor(tmp_path)(network(), 0)
    words = (
        r"folder must hold measurements with the same settings, got \['settings.draws: 8 -> 9'\]"
    )
    with pytest.raises(InputError, match=words):
        monitor(tmp_path, draws=9)
    mask = {"mine": so.Mask({"0.bias": torch.ones(4, dtype=torch.bool)})}
    with pytest.raises(InputError, match="components: full -> "):
        monitor(tmp_path, components=mask)


def test_what_fails_later_is_a_warning_and_a_row_without_a_number(tmp_path):
    watch, model = monitor(tmp_path), network()
    assert len(watch(model, 0)) == 2
    model[0].weight.data.fill_(float("nan"))
    with pytest.warns(UserWarning, match="Nothing was measured at step 2: model must hold finite"):
        assert watch(model, 2) == {}
    table = watch.table()
    assert np.isnan(table.llc.values).tolist() == [[False], [True]]
    assert "finite numbers" in table.reason.values[1, 0]
    assert table.verdict.values[1, 0] == "don't use"


def test_what_is_wrong_from_the_beginning_is_an_error(tmp_path):
    with pytest.raises(InputError, match="components must select at least one weight"):
        monitor(tmp_path, components="hedas")(network(), 0)
    with pytest.raises(InputError, match="step_size must be below"):
        monitor(tmp_path, kernel=so.SGLD(0.2)).check(network())
    with pytest.raises(InputError, match=r"table must hold a measurement, got .* Let training"):
        monitor(tmp_path).table()


@pytest.mark.parametrize("kernel", [so.SGLD(1e-3), so.RMSpropSGLD(1e-4)])
def test_the_check_passes_and_leaves_nothing(tmp_path, kernel):
    monitor(tmp_path, kernel=kernel).check(network())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"checkpoint": 3}, "checkpoint is the step, got 3. Leave it out"),
        ({"burnin": 3}, "burnin must be a setting of the chains, got 3. Did you mean 'burn_in'"),
        ({"draws": 0}, "draws must be a whole number of at least 1"),
    ],
)
def test_bad_settings_are_refused_at_once(tmp_path, changes, words):
    with pytest.raises(InputError, match=words):
        monitor(tmp_path, **changes)


def test_a_run_without_any_loss_is_refused(tmp_path):
    target = so.Target(squares, ROWS, n_beta=0, localization=1)
    with pytest.raises(InputError, match=r"n_beta must be positive, got 0. The control run"):
        LLCMonitor(tmp_path, target, so.SGLD(1e-3), 2)


def test_several_components_are_logged_each(tmp_path):
    masks = {name: so.Mask({name: torch.ones_like(w).bool()}) for name, w in named(network())}
    found = monitor(tmp_path, components=masks)(network(), 0)
    assert {f"somite/llc/{name}" for name in masks} < set(found)
    assert all(math.isfinite(value) for value in found.values())


def named(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return list(model.named_parameters())
