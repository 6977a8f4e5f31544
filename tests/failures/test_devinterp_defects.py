"""Defects of devinterp 2.0.1 (letters of its list), and how the same case ends here.

Some have more than one test elsewhere: identities of cells (b) in unit/study/test_identity.py,
killed studies (c) in failures/test_resume.py, head masks (e) in contracts/test_models.py and, for
decoders of Hugging Face, contracts/test_families.py, mode and state of the caller's model (g) in
unit/sampling/test_untouched.py. Left out because nothing here corresponds to it yet: n (the memory
of influence between tokens), and the part of m that is about susceptibilities and influence.
Letters after p are no wrong results.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import somite as so
from somite.components.patch import Noise, Patch
from somite.core.errors import InputError
from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.kernels.sgnht import Thermostat
from somite.study.cells import Cell
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.bowl import N_BETA, Bowl, bowl_loss, sample_bowl, tilts
from unit.sampling.runs import HEADS, sample_tiny, sample_wells


def test_a_burn_in_is_not_counted():
    whole, kept = sample_bowl(draws=30), sample_bowl(burn_in=20, draws=10)
    np.testing.assert_array_equal(kept.loss, whole.loss[..., 20:])
    assert so.llc(kept).llc.item() == pytest.approx(N_BETA * float(kept.loss.mean()))
    assert so.llc(kept).llc.item() != pytest.approx(so.llc(whole).llc.item(), rel=0.01)


@pytest.mark.parametrize("field", ["weights", "data", "mask", "probes", "settings"])
def test_b_cells_of_another_identity_are_not_taken_up(tmp_path, field):
    identity = {name: "this" for name in ("weights", "data", "mask", "probes", "settings")}
    Cell("sampling", "here", identity).write(tmp_path, xr.Dataset({"loss": ((), 1.0)}))
    assert Cell("sampling", "here", dict(identity)).exists(tmp_path)
    other = Cell("sampling", "here", identity | {field: "other"})
    assert not other.exists(tmp_path)
    assert other.differing(tmp_path) == [f"{field}: this -> other"]


def test_c_what_is_missing_is_sampled_later_with_the_same_numbers():
    everything = sample_tiny()
    for name in HEADS[3:]:  # the first three were done when the process was killed
        missing = sample_tiny(components=name)
        xr.testing.assert_equal(missing, everything.sel(component=[name]))


def test_d_diverged_chains_are_not_averaged():
    draws = sample_wells()
    steep = draws.sel(component="steep")
    failed = (steep.failed_at >= 0).values
    assert 0 < failed.sum() < 8
    with pytest.raises(InputError, match="component steep must have chains that all ended well"):
        so.llc(draws)
    row = so.llc(draws, on_failure="leave out").sel(component="steep")
    assert row.chains_failed == failed.sum()
    assert float(row.llc) == pytest.approx(10 * steep.loss.values[~failed].mean())


@pytest.mark.parametrize("d_head", [2, 4, 7])
def test_e_heads_of_any_width_have_their_own_weights(d_head):
    model = tiny_transformer(n_heads=2, d_head=d_head)  # d_model / n_heads is 4
    rows, nothing = tiny_rows(), torch.zeros(8, dtype=torch.float64)
    weights = dict(model.named_parameters())
    for head, mask in so.components(model, "heads").items():
        assert mask.size == 4 * d_head * 8
        score = model(rows, replace={head: nothing}).tanh().square().sum()
        names = [n for n in weights if ".attn." in n]
        found = torch.autograd.grad(score, [weights[n] for n in names])
        for name, gradient in zip(names, found, strict=True):
            chosen = mask.entries.get(name, torch.zeros(gradient.shape, dtype=torch.bool))
            assert torch.equal(gradient == 0, chosen)


HEAT, WEIGHTS = 10.0, 400
"""Standard deviation of the known gradient noise, and number of weights it acts on."""


def heated(kernel: so.SGNHT, frozen: bool) -> tuple[float, float]:
    """Mean square of the momenta, and mean thermostat, under gradient noise of a known size."""
    generator = torch.Generator().manual_seed(0)

    def noise() -> Tensor:
        return torch.randn(WEIGHTS, generator=generator, dtype=torch.float64)

    def noisy(weights: Tensor) -> Point:
        return Point(weights, 0.0, weights + HEAT * noise())

    center = torch.zeros(WEIGHTS, dtype=torch.float64)
    target = so.Target(bowl_loss, torch.zeros(1), n_beta=1)
    scene = Scene(target, center, noise, lambda: 0.5, noisy)
    weights, state, squares, frictions = center, kernel.start(scene), [], []
    for step in range(1500):
        weights, state = kernel.step(noisy(weights), state, scene)
        if frozen:
            state = Thermostat(state.momentum, kernel.friction)
        if step >= 500:
            squares.append(float(state.momentum.square().mean()))
            frictions.append(state.friction)
    return float(np.mean(squares)), float(np.mean(frictions))


def test_f_the_thermostat_acts():
    kernel = so.SGNHT(step_size=0.02, friction=2.0)
    added = 0.02 * HEAT**2 / 2  # the noise is that of a friction so much larger
    square, friction = heated(kernel, frozen=False)
    assert square == pytest.approx(1, abs=0.05)
    assert friction == pytest.approx(2.0 + added, rel=0.1)
    square, friction = heated(kernel, frozen=True)
    assert square > 1 + 0.8 * added / 2
    assert friction == 2.0


def test_g_a_model_in_training_is_sampled_in_evaluation():
    model = nn.Sequential(nn.Linear(2, 20), nn.Dropout(0.5), nn.Linear(20, 1)).train()
    data = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    target = so.Target(lambda m, x: m(x).square(), data, n_beta=5, localization=5)
    still = so.sample(
        model, target, so.SGLD(1e-30), components="full", probes={"reference": data},
        chains=2, burn_in=0, draws=6, probe_every=1,
    )  # fmt: skip
    assert model.training
    np.testing.assert_allclose(still.probe_loss, 0, atol=1e-6)
    np.testing.assert_allclose(still.loss, 0, atol=1e-6)


def test_h_half_precision_weights_have_single_precision_masters():
    model = nn.Linear(64, 64, bias=False).to(torch.bfloat16)
    nn.init.ones_(model.weight)
    data = torch.ones(4, 64, dtype=torch.bfloat16)
    target = so.Target(lambda m, x: m(x).square().mean(1), data, n_beta=0, localization=1)
    draws = so.sample(
        model, target, so.SGLD(1e-6), components="full", chains=1, burn_in=0, draws=100
    )
    patch = Patch(so.components(model, "full")["full"], dict(model.named_parameters()))
    assert patch.center.dtype == torch.float32
    noise = Noise(patch, (0, 0, 0)).draw()
    # Steps of 1e-3, which bfloat16 cannot resolve next to 1.
    assert draws.distance[0, 0, 1].item() == pytest.approx(
        1e-6 * float(noise.square().sum()), rel=1e-3
    )
    walked = draws.distance[0, 0, 99].item() / (99e-6 * patch.size)
    assert abs(walked - 1) < 4 * math.sqrt(2 / patch.size)
    assert model.weight.dtype == torch.bfloat16
    assert bool((model.weight == 1).all())


def counts(draws: xr.Dataset) -> np.ndarray:
    """How often a minibatch of four holds each of eight examples, read off its mean loss."""
    code = (draws.center_loss.values[0] * 4).round().astype(int)
    return code[..., None] // 5 ** np.arange(8) % 5


def sample_counts() -> np.ndarray:
    """(chain, draw, example)."""
    values = 5.0 ** torch.arange(8, dtype=torch.float64)
    target = so.Target(lambda m, x: x + 0 * m.weight.sum(), values, n_beta=1, localization=1)
    draws = so.sample(
        Bowl(),
        target,
        so.SGLD(0.1),
        components="weight",
        batch_size=4,
        chains=6,
        burn_in=0,
        draws=50,
    )
    return counts(draws)


def test_i_chains_have_minibatches_of_their_own():
    found = sample_counts()
    assert (found.sum(-1) == 4).all()
    same = [(found[a] == found[b]).all(-1).mean() for a, b in pairwise(range(6))]
    assert max(same) < 0.2


def test_j_minibatches_are_drawn_with_replacement_and_never_repeat_in_turn():
    found = sample_counts()
    assert (found > 1).any()  # twice in one minibatch
    for period in range(1, 25):
        assert (found[:, period:] == found[:, :-period]).all(-1).mean() < 0.2
    total = found.sum((0, 1))
    expected = 6 * 50 * 4 / 8
    assert float(((total - expected) ** 2 / expected).sum()) < 30  # χ² of 7 degrees: p = 1e-4


def test_k_probe_and_minibatch_are_seen_at_the_same_weights():
    data = tilts(0.5)
    settings = {"batch_size": None, "probes": {"reference": data}, "probe_every": 1}
    draws = sample_bowl(data=data, **settings)
    np.testing.assert_allclose(draws.probe_loss[0], draws.loss, rtol=1e-9, atol=1e-14)
    assert (abs(np.diff(draws.loss, axis=-1)) > 1e-9).all()


def test_l_the_baseline_is_of_the_same_examples():
    offsets = 100 * torch.arange(40, dtype=torch.float64)
    target = so.Target(
        lambda m, x: bowl_loss(m, torch.zeros(len(x), 2).double()) + x, offsets, N_BETA, 2.0
    )
    settings = {"components": "weight", "batch_size": 2, "burn_in": 0, "draws": 20}
    draws = so.sample(Bowl(), target, so.SGLD(0.05), **settings)
    assert draws.center_loss.std() > 500
    assert (draws.loss[..., 0] == 0).all()
    np.testing.assert_allclose(draws.loss, sample_bowl().loss, atol=1e-9)


def test_m_the_error_is_the_spread_over_repetitions():
    tables = [so.llc(sample_bowl(seed=s, burn_in=10, draws=50)) for s in range(16)]
    spread = np.std([table.llc.item() for table in tables], ddof=1)
    said = np.sqrt(np.mean([table.mcse.item() ** 2 for table in tables]))
    assert 0.55 < said / spread < 2.5  # χ of 15 degrees: p = 1e-3 below, 1e-4 above


class Tied(nn.Module):
    """Embedding and unembedding are one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.unembed = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        generator = torch.Generator().manual_seed(0)
        self.embed.weight.data = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        self.unembed.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.unembed(self.embed(tokens))


def test_o_tied_weights_are_one_tensor_and_move_together():
    def loss(model: Tied, tokens: Tensor) -> Tensor:
        apart = (model.embed.weight - model.unembed.weight).square().sum()
        return nn.functional.cross_entropy(model(tokens), tokens, reduction="none") + 1e6 * apart

    model = Tied()
    tied = so.components(model, "embed.weight")
    assert so.components(model, "full")["full"].size == tied["embed.weight"].size == 15
    target = so.Target(loss, torch.arange(5).repeat(4), n_beta=10, localization=20)
    draws = so.sample(model, target, so.SGLD(5e-3), components=tied, chains=2, draws=20)
    assert (draws.status == "converged").all()
    assert float(draws.distance.min()) > 0
    assert float(abs(draws.loss).max()) < 100  # they never came apart
    with pytest.raises(InputError, match=r"must select at least one weight, got 'unembed\.weight'"):
        so.components(model, "unembed.weight")


def test_p_the_scale_is_given_and_does_not_follow_the_batch_size():
    with pytest.raises(TypeError, match="n_beta"):
        so.Target(bowl_loss, tilts())
    for batch_size in (2, 20, None):
        draws = sample_bowl(batch_size=batch_size)
        assert draws.attrs["n_beta"] == N_BETA
        np.testing.assert_allclose(draws.loss, sample_bowl().loss, rtol=1e-12)
    halved = so.Target(
        lambda m, x: 2 * bowl_loss(m, x), torch.zeros(6, 2).double(), N_BETA / 2, 2.0
    )
    settings = {"components": "weight", "batch_size": 2, "burn_in": 0, "draws": 20}
    twice = so.sample(Bowl(), halved, so.SGLD(0.05), **settings)
    np.testing.assert_allclose(so.llc(twice).llc, so.llc(sample_bowl()).llc, rtol=1e-12)
