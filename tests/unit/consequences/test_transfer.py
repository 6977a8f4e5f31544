"""Fine-tuning of a part alone, and what is said about its speed, its end and what it forgot."""

from copy import deepcopy

import numpy as np
import pytest
import torch
import xarray as xr

from somite.components import components
from somite.consequences import against_sets, fine_tuned, transfer_scores
from somite.consequences.transfer import CLIP, MEASURES
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import MLP, Transformer, TransformerConfig, next_token_loss, squared_error_loss

X = torch.randn(12, 3, generator=stream("transfer"))
DATA = (X, X[:, :1] * X[:, 1:2])


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MLP([3, 5, 1], "tanh")


def by_hand(model, name, steps, rate, warm_up):
    """PyTorch's own Adam on one tensor of a copy."""
    model = deepcopy(model).requires_grad_(False)
    weight = dict(model.named_parameters())[name].requires_grad_()
    optimizer = torch.optim.Adam([weight], rate)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, (step + 1) / warm_up)
        optimizer.zero_grad()
        squared_error_loss(model, DATA).mean().backward()
        torch.nn.utils.clip_grad_norm_([weight], CLIP)
        optimizer.step()
    return squared_error_loss(model, DATA).detach().numpy()


def test_only_the_part_is_trained_and_as_by_hand():
    model = network()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    name = next(iter(before))
    mask = components(model, name)[name]
    found = fine_tuned(model, squared_error_loss, mask, lambda _: DATA, DATA, [0, 3, 7], 0.05, 4)
    for number, steps in enumerate((0, 3, 7)):
        expected = by_hand(model, name, steps, 0.05, 4)
        np.testing.assert_allclose(found[number], expected, atol=1e-6)
    assert np.abs(found[2] - by_hand(model, name, 7, 0.05, 1)).max() > 1e-4
    assert all(torch.equal(w, before[n]) for n, w in model.named_parameters())


def test_heads_are_trained_apart():
    config = TransformerConfig(vocab_size=7, context=8, n_layers=2, n_heads=2, d_model=8, d_head=4)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = Transformer(config)
    rows = torch.randint(7, (6, 8), generator=stream("rows"))
    heads = components(model, "heads")
    found = {
        name: fine_tuned(model, next_token_loss, mask, lambda _: rows, rows, [0, 5], 0.02)
        for name, mask in heads.items()
    }
    starts = [losses[0] for losses in found.values()]
    assert all(np.array_equal(start, starts[0]) for start in starts)
    ends = [losses[1].mean() for losses in found.values()]
    assert len(set(ends)) == 4
    assert max(ends) < starts[0].mean()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rate": 0.0}, "rate must be positive"),
        ({"at": [5, 0]}, "at must be rising steps"),
        ({"at": []}, "at must be rising steps"),
        ({"warm_up": -1}, "warm_up must be a whole number"),
    ],
)
def test_settings_that_cannot_be(changed, message):
    model = network()
    settings = {"at": [0, 1], "rate": 0.1, "warm_up": 0} | changed
    with pytest.raises(InputError, match=message):
        fine_tuned(model, squared_error_loss, components(model, "full")["full"], lambda _: DATA,
                   DATA, **settings)  # fmt: skip


def losses(learned, forgotten, noise=0.0, seeds=2, rows=3):
    """Losses of parts whose curves are given, at the steps 0, 10, 20."""
    curves = np.stack([np.array(list(learned.values())), np.array(list(forgotten.values()))], -1)
    spread = noise * np.random.default_rng(0).normal(size=(len(learned), seeds, 3, 2, rows))
    values = curves[:, None, :, :, None] + spread
    coords = {"set": list(learned), "step": [0, 10, 20], "domain": ["new", "old"]}
    return xr.DataArray(values, coords, ("set", "seed", "step", "domain", "row"))


LEARNED = {"whole": [4.0, 3.0, 2.0], "a": [4.0, 3.5, 2.5], "b": [4.0, 3.9, 3.5]}
FORGOTTEN = {"whole": [1.0, 2.0, 4.0], "a": [1.0, 1.5, 2.0], "b": [1.0, 1.0, 1.25]}


def test_speed_end_and_forgetting_by_hand():
    found = transfer_scores(losses(LEARNED, FORGOTTEN), "new", "whole", 10)
    assert found.measure.values.tolist() == [*MEASURES, "forgetting of old"]
    # The target is 3: the whole is there at 10, a half-way between 10 and 20, b never.
    assert found.value.sel(set="whole").values.tolist() == [3.0, 10.0, 2.0, 3.0, 1.0, 3.0]
    assert found.value.sel(set="a").values.tolist() == [3.5, 15.0, 2.5, 1.0, 0.75, 1.0]
    b = found.value.sel(set="b").values
    assert b[:4].tolist() == [3.9, np.inf, 3.5, 0.25]
    assert np.isnan(b[4])
    assert b[5] == 0.25
    np.testing.assert_allclose(found.standard_error.sel(set="a").values, 0, atol=1e-12)


def test_errors_are_those_of_seeds_and_rows():
    noisy = losses(LEARNED, FORGOTTEN, noise=0.1, seeds=4, rows=5)
    found = transfer_scores(noisy, "new", "whole", 10)
    own = noisy.sel(set="a", step=20, domain="new")
    seeds, rows = own.mean("row").values, own.mean("seed").values
    expected = np.hypot(seeds.std(ddof=1) / 4**0.5, rows.std(ddof=1) / 5**0.5)
    assert found.standard_error.sel(set="a", measure="final").item() == pytest.approx(expected)


def test_a_module_among_random_sets():
    ends = {"whole": 2.0, "m": 2.1, **{f"r{i}": 2.5 + i / 10 for i in range(4)}}
    learned = {name: [4.0, 3.5, end] for name, end in ends.items()}
    forgotten = {name: [1.0, 1.5, 2.0] for name in ends}
    scores = transfer_scores(losses(learned, forgotten), "new", "whole", 10)
    others = [f"r{i}" for i in range(4)]
    drawn = against_sets(scores, "m", others)
    assert drawn.p_value.sel(measure="final").item() == pytest.approx(2 / 5)
    assert drawn.p_value.sel(measure="forgetting").item() == 1.0
    assert drawn["mean"].sel(measure="final").item() == pytest.approx(2.65)
    spread = np.std([2.5, 2.6, 2.7, 2.8], ddof=1)
    assert drawn.z.sel(measure="final").item() == pytest.approx((2.1 - 2.65) / spread)
    exact = against_sets(scores, "m", ["m", *others], exact=True)
    assert exact.p_value.sel(measure="final").item() == pytest.approx(2 / 5)
    worst = against_sets(scores, "r3", ["m", *others], exact=True)
    assert worst.p_value.sel(measure="final").item() == pytest.approx(2 / 5)
    middle = against_sets(scores, "r1", ["m", *others], exact=True)
    assert middle.p_value.sel(measure="final").item() == 1.0


def test_what_is_never_reached_is_last():
    ends = {"whole": 2.0, "m": 3.5, "r0": 2.5, "r1": 2.6, "r2": 2.7}
    learned = {name: [4.0, 3.8, end] for name, end in ends.items()}
    forgotten = {name: [1.0, 1.5, 2.0] for name in ends}
    scores = transfer_scores(losses(learned, forgotten), "new", "whole", 10)
    found = against_sets(scores, "m", ["r0", "r1", "r2"]).sel(measure="steps")
    assert found.value.item() == np.inf
    assert found.p_value.item() == pytest.approx(2 / 4)
    assert np.isfinite(found["mean"].item())
    assert np.isnan(against_sets(scores, "r0", ["r1", "m"]).sel(measure="steps")["mean"].item())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"losses": losses(LEARNED, FORGOTTEN, seeds=1)}, "number of seeds must be a whole number"),
        ({"losses": losses(LEARNED, FORGOTTEN)[:, 0]}, "losses must have the dims"),
        ({"new": "other"}, "new must be a known name"),
        ({"whole": "c"}, "whole must be a known name"),
        ({"early": 7}, "early must be a known name"),
    ],
)
def test_scores_that_cannot_be(changed, message):
    settings = {"losses": losses(LEARNED, FORGOTTEN), "new": "new", "whole": "whole", "early": 10}
    with pytest.raises(InputError, match=message):
        transfer_scores(**(settings | changed))
