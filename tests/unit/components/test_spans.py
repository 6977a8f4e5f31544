"""A long flat vector in spans: nothing is lost, and noise is that of the whole."""

import importlib

import pytest
import torch

from somite import Mask
from somite.components.mask import whole
from somite.components.patch import Noise, Patch
from somite.components.spans import BLOCK, LENGTH, spans

SPANS = importlib.import_module("somite.components.spans")
NAMES = (0, 7, 3)


@pytest.mark.parametrize("sizes", [[3], [40], [16, 16, 17], [1, 200, 5, 31, 32, 33, 2]])
@pytest.mark.parametrize("length", [16, 32, 1000])
def test_spans_cover_every_entry_once_and_in_order(sizes, length):
    found = spans([(size, True) for size in sizes], length)
    entries = [i for span in found for i in range(sum(sizes))[span.entries]]
    assert entries == list(range(sum(sizes)))
    pairs = [(n, i) for span in found for n, part in span.parts for i in range(sizes[n])[part]]
    assert pairs == [(n, i) for n, size in enumerate(sizes) for i in range(size)]
    assert all(sum(span.sizes) < length + BLOCK for span in found)
    assert (len(found) == 1) == (sum(sizes) < length + BLOCK and sum(sizes) <= max(length, *sizes))


def test_a_piece_that_stays_whole_is_not_cut():
    found = spans([(5, True), (100, False), (5, True)], 16)
    assert [span.entries for span in found] == [slice(0, 5), slice(5, 105), slice(105, 110)]


def test_the_default_length_is_a_number_of_blocks():
    assert LENGTH % BLOCK == 0
    assert len(spans([(LENGTH, True)])) == 1
    assert len(spans([(LENGTH, True), (1, True)])) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [15, 64, 79, 80, 1003])
def test_noise_of_the_spans_is_the_noise_of_the_whole(size, dtype, monkeypatch):
    center = {"units": torch.randn(3, 20, dtype=dtype), "plain": torch.randn(size, dtype=dtype)}
    masks = {name: whole(weight) for name, weight in center.items()}
    masks["cut"] = torch.arange(50) % 3 == 0
    center["cut"] = torch.randn(50, dtype=dtype)
    one = Patch(Mask(masks), center, frozenset({"units"}))
    monkeypatch.setattr(SPANS, "LENGTH", 32)
    many = Patch(Mask(masks), center, frozenset({"units"}))
    assert many.long
    assert not one.long
    by_span, at_once = Noise(many, NAMES), Noise(one, NAMES)
    for _ in range(3):
        assert torch.equal(torch.cat(list(map(by_span.draw, many.spans))), at_once.draw())
    assert torch.equal(torch.cat(list(map(many.center_of, many.spans))), one.center)
    assert torch.equal(many.center, one.center)


def test_a_center_in_spans_is_not_kept(monkeypatch):
    center = {"w": torch.randn(100)}
    mask = Mask({"w": whole(center["w"])})
    kept = Patch(mask, center)
    assert kept.center.data_ptr() == kept.center.data_ptr()
    monkeypatch.setattr(SPANS, "LENGTH", 32)
    anew = Patch(mask, center)
    anew.center.zero_()
    assert torch.equal(anew.center, center["w"])


def test_weights_of_which_all_moves_share_the_memory_of_the_vector():
    center = {"units": torch.randn(3, 2, 4), "plain": torch.randn(5)}
    patch = Patch(Mask({n: whole(w) for n, w in center.items()}), center, frozenset({"units"}))
    flat = patch.center.clone()
    moved = patch.weights(flat)
    assert [moved[name].shape for name in center] == [w.shape for w in center.values()]
    flat.add_(1)
    assert torch.equal(moved["units"], center["units"] + 1)
    assert torch.equal(moved["plain"], center["plain"] + 1)
