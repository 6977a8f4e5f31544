"""Pairs per evaluation: planned from the memory at hand, halved where it runs out."""

import pytest
import torch

from somite.core.errors import InputError
from somite.sampling import stacking
from somite.sampling.tiles import Tiles, affordable, tiles
from unit.models.tiny import tiny_transformer
from unit.sampling.stacks import largest_gap, sample

CPU = torch.device("cpu")


@pytest.mark.parametrize("pairs", range(1, 14))
def test_every_pair_is_in_one_tile(pairs):
    seen = torch.zeros(4, 3, dtype=torch.int)
    for components, chains in tiles((4, 3), pairs):
        seen[components, chains] += 1
        assert seen[components, chains].numel() <= pairs
    assert (seen == 1).all()


def test_a_cpu_takes_all_pairs_at_once():
    asked = []
    Tiles(CPU).run((4, 3), lambda *tile: asked.append(tile))
    assert asked == [(slice(0, 4), slice(0, 3))]


def test_running_out_of_memory_halves_the_tiles():
    done, tried = torch.zeros(4, 3, dtype=torch.int), []

    def work(components, chains):
        number = done[components, chains].numel()
        tried.append(number)
        if number > 3:
            raise torch.OutOfMemoryError("full")
        done[components, chains] = 1

    planned = Tiles(CPU)
    planned.run((4, 3), work)
    assert (done == 1).all()
    assert planned.pairs == 3
    assert tried == [12, 6, 3, 3, 3, 3]
    planned.run((4, 3), work)
    assert len(tried) == 10


def test_a_pair_that_does_not_fit_alone_is_refused():
    def work(components, chains):
        raise torch.OutOfMemoryError("full")

    with pytest.raises(InputError, match="memory must leave room for one chain of one component"):
        Tiles(CPU).run((2, 2), work)


def test_the_number_of_pairs_follows_the_free_memory():
    assert [affordable((8, 4), 1000, free) for free in (0, 5000, 10_000, 10**6)] == [1, 4, 8, 32]


def test_a_gpu_measures_one_pair_first(monkeypatch):
    gpu, asked = torch.device("cuda:0"), []
    facts = {"memory_allocated": 100, "max_memory_allocated": 600, "memory_reserved": 300}
    for name, value in facts.items():
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3600, 10_000))
    planned = Tiles(gpu)
    planned.run((4, 3), lambda *tile: asked.append(tile))
    assert planned.pairs == 6  # 80 % of 3600 + 200 free bytes, 500 for each pair
    assert asked[0] == (slice(0, 1), slice(0, 1))
    assert len(asked) == 3


def test_draws_are_the_same_in_small_tiles(monkeypatch):
    sizes = []
    whole_stack = sample(tiny_transformer(), stacked=True)
    right = stacking.stack_view

    def scarce(*args):
        view = right(*args)

        def limited(weights, examples, components):
            sizes.append(weights.shape[:2].numel())
            if sizes[-1] > 1:
                raise torch.OutOfMemoryError("full")
            return view(weights, examples, components)

        return limited

    monkeypatch.setattr(stacking, "why_not", lambda *args: "")
    monkeypatch.setattr(stacking, "stack_view", scarce)
    tiled = sample(tiny_transformer(), stacked=True)
    assert set(sizes) == {6, 2, 1}
    assert largest_gap(whole_stack, tiled) < 1e-10
