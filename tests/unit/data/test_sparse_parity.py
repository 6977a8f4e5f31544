import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import ParityTasks


def test_parity_is_that_of_the_own_bits_of_the_task():
    tasks = ParityTasks(tasks=3, size=2, bits=8, overlap=1)
    x, parity, task = tasks.examples(500, stream("x"))
    assert (x[:, :3].argmax(1) == task).all()
    assert (x[:, :3].sum(1) == 1).all()
    bits = x[:, 3:] < 0
    for i, subset in enumerate(tasks.subsets):
        own = task == i
        assert (parity[own] == bits[own][:, subset].sum(1) % 2).all()
        other = tasks.subsets[(i + 1) % 3]
        assert (parity[own] != bits[own][:, other].sum(1) % 2).any()


@pytest.mark.parametrize(("overlap", "needed"), [(0, 9), (1, 7), (2, 5)])
def test_subsets_share_as_many_bits_as_asked(overlap, needed):
    tasks = ParityTasks(tasks=3, overlap=overlap)
    assert (tasks.needed, tasks.width) == (needed, 3 + needed)
    for first, second in zip(tasks.subsets, tasks.subsets[1:], strict=False):
        assert len(set(first) & set(second)) == overlap


def test_tasks_come_with_their_chances():
    tasks = ParityTasks(tasks=3, alpha=0.0)
    torch.testing.assert_close(tasks.chances, torch.tensor([6.0, 3.0, 2.0]).double() / 11)
    counts = tasks.examples(20_000, stream("x"))[2].bincount(minlength=3)
    errors = (20_000 * tasks.chances * (1 - tasks.chances)).sqrt()
    assert ((counts - 20_000 * tasks.chances) / errors).abs().max() < 4
    assert torch.equal(ParityTasks(tasks=4, alpha=-1).chances, torch.full((4,), 0.25).double())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ParityTasks(tasks=0), "tasks must be a whole number of at least 1"),
        (lambda: ParityTasks(size=0), "size must be a whole number of at least 1"),
        (lambda: ParityTasks(overlap=-1), "overlap must be a whole number of at least 0"),
        (lambda: ParityTasks(overlap=3), "overlap must be below size, got 3"),
        (lambda: ParityTasks(bits=11), "bits must be at least 12, got 11"),
        (lambda: ParityTasks(alpha=-2), r"alpha \+ 1 must be zero or more"),
        (lambda: ParityTasks().examples(0, stream(0)), "count must be a whole number"),
        (lambda: ParityTasks().examples(1, stream(0), task=4), "task must be a known name"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
