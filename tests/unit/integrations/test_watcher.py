import pytest
import torch
from torch import nn

from somite.core.errors import InputError
from somite.integrations import CheckpointSaver
from somite.training import CheckpointSeries
from unit.integrations.small import Clumsy, network, train, watchers


def test_steps_are_every_so_many_or_a_list():
    assert [s for s in range(10) if Clumsy(3).due(s)] == [0, 3, 6, 9]
    assert [s for s in range(10) if Clumsy([1, 8]).due(s)] == [1, 8]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (0, "steps must be a whole number of at least 1, got 0. Give a list"),
        ([], r"steps must be whole numbers from 0 on, got \[\]. Give a number k"),
        ([-1, 2], r"steps must be whole numbers from 0 on, got \[-1, 2\]"),
        ([0.5], "steps must be whole numbers from 0 on"),
    ],
)
def test_bad_steps_are_refused(steps, words):
    with pytest.raises(InputError, match=words):
        Clumsy(steps)


def test_a_loop_with_watchers_ends_with_the_same_bits(tmp_path):
    plain = train([])
    assert train(watchers(tmp_path)) == plain
    assert CheckpointSeries(tmp_path / "checkpoints").steps() == [0, 3]


def test_a_clumsy_watcher_is_seen():
    assert train([Clumsy(1)]) != train([])


def test_checkpoints_hold_the_weights_of_their_step(tmp_path):
    save, model = CheckpointSaver(tmp_path, [2]), network()
    for step in range(4):
        model[0].weight.data.fill_(step)
        assert save(model, step) == {}
    weights = CheckpointSeries(tmp_path).weights(2)
    assert torch.equal(weights["0.weight"], torch.full((4, 3), 2.0))


def test_checkpoints_can_be_written_in_a_form_of_ones_own(tmp_path):
    save = CheckpointSaver(tmp_path, 5, write=lambda model, to: torch.save(model, to / "all.pt"))
    save.check(nn.Linear(1, 1))
    save(nn.Linear(1, 1), 5)
    assert (tmp_path / "step-00000005" / "all.pt").is_file()
