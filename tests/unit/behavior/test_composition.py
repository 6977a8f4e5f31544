import numpy as np
import pytest
import torch

from somite.behavior.composition import composition
from somite.core.errors import InputError
from unit.behavior.circuits import drawn_model, induction_circuit


def matrices(model, layer, head):
    """W_QK and W_OV of a head of an RMSNorm model, acting on columns."""
    gain = model.block(layer).norm_attn.weight
    q, k, v, o = (getattr(model.block(layer).attn, f"W_{x}")[head] for x in "QKVO")
    return (q * gain).T @ (k * gain), o.T @ (v * gain)


def test_strengths_follow_the_formulas():
    model = drawn_model(norm="rms")
    strength = composition(model, n_random=2)["strength"]
    _, source = matrices(model, 0, 1)
    reading, writing = matrices(model, 2, 0)
    for kind, matrix in (("Q", reading.T), ("K", reading), ("V", writing)):
        expected = (matrix @ source).norm() / (matrix.norm() * source.norm())
        found = strength.sel(kind=kind, source="0:1", target="2:0").item()
        assert found == pytest.approx(expected.item(), abs=1e-12)


def test_only_earlier_layers_are_sources():
    strength = composition(drawn_model(), n_random=2)["strength"].values
    layer = np.repeat(np.arange(3), 2)
    assert np.array_equal(np.isfinite(strength[0]), layer[:, None] < layer[None, :])
    assert (np.nan_to_num(strength) <= 1).all()


def test_the_hand_built_circuit_composes_through_keys():
    found = composition(induction_circuit(), n_random=5).sel(source="0:0", target="1:0")
    # W_QK of 1:0: twelve entries of SHARP, all read by keys from where 0:0 writes, and a row of
    # sixteen of SHARP · d_model on position 0: the share of the norm is √(12 / (12 + 16 · 40²)).
    expected = (12 / (12 + 16 * 40**2)) ** 0.5 * 12**-0.5
    assert found["strength"].sel(kind="K").item() == pytest.approx(expected, rel=1e-9)
    assert found["strength"].sel(kind="Q").item() == 0
    assert found["strength"].sel(kind="V").item() == 0


def test_coordinates_inside_a_head_do_not_matter():
    model = drawn_model()
    before = composition(model, n_random=2)["strength"].values
    attn = model.block(1).attn
    turn = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    attn.W_Q.data[0] = turn @ attn.W_Q.data[0]
    attn.W_K.data[0] = torch.linalg.inv(turn).T @ attn.W_K.data[0]
    attn.W_V.data[0] = turn @ attn.W_V.data[0]
    attn.W_O.data[0] = torch.linalg.inv(turn).T @ attn.W_O.data[0]
    np.testing.assert_allclose(composition(model, n_random=2)["strength"].values, before)


@pytest.mark.parametrize("norm", ["rms", "layer"])
def test_gain_of_the_normalisation_belongs_to_what_reads(norm):
    model = drawn_model(norm=norm)
    before = composition(model, n_random=2)["strength"].values
    block = model.block(2)
    gain = block.norm_attn.weight.data.clone()
    for name in ("W_Q", "W_K", "W_V"):
        getattr(block.attn, name).data.mul_(gain)
    block.norm_attn.weight.data.fill_(1.0)
    np.testing.assert_allclose(composition(model, n_random=2)["strength"].values, before)


def test_layer_norm_hides_the_mean_over_the_stream():
    model = drawn_model()
    before = composition(model, n_random=2)["strength"].values
    model.block(0).norm_attn.weight.data.fill_(1.0)
    plain = composition(model, n_random=2)["strength"].values
    for name in ("W_Q", "W_K", "W_V"):
        getattr(model.block(0).attn, name).data.add_(3.0)  # reads the mean, which is always zero
    np.testing.assert_allclose(composition(model, n_random=2)["strength"].values, plain)
    assert not np.allclose(np.nan_to_num(before), np.nan_to_num(plain))


def test_random_heads_do_not_compose_beyond_chance():
    model = drawn_model(d_model=24, n_heads=4)
    generator = torch.Generator().manual_seed(1)
    for block in model.blocks:
        block.norm_attn.weight.data.fill_(1.0)
        for name in ("W_Q", "W_K", "W_V", "W_O"):
            getattr(block.attn, name).data.normal_(generator=generator)
    found = composition(model)
    excess = found["excess"].mean("source").mean("target")
    assert abs(excess).max() < 0.02
    assert 0 < found["random_standard_error"].item() < 0.01
    assert found["random_strength"].item() == pytest.approx(24**-0.5, rel=0.2)


def test_a_head_without_weight_composes_with_none():
    model = drawn_model()
    model.block(0).attn.W_O.data[0] = 0
    strength = composition(model, n_random=2)["strength"].sel(source="0:0", target=["1:0", "2:1"])
    assert (strength == 0).all()


def test_the_seed_decides_the_random_heads():
    one, same, other = (composition(drawn_model(), seed=s, n_random=3) for s in (0, 0, 1))
    assert one["random_strength"] == same["random_strength"]
    assert one["random_strength"] != other["random_strength"]


def test_bad_input_is_named():
    with pytest.raises(InputError, match="n_random must be a whole number of at least 2, got 1"):
        composition(drawn_model(), n_random=1)
    model = drawn_model()
    model.block(0).attn.W_O.data[0, 0, 0] = torch.inf
    with pytest.raises(InputError, match="model must hold finite numbers only"):
        composition(model)
