import pytest
import torch
from torch import nn

from somite.core.errors import InputError
from somite.training.given_series import CalledCheckpoints, PassingCheckpoints, table_of
from somite.training.record import Record

MODEL = nn.Linear(2, 1)


def weights(step: int) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((1, 2), float(step)), "bias": torch.zeros(1)}


def values(series) -> list[tuple[int, float]]:
    return [(step, model.weight[0, 0].item()) for step, model in series]


def test_a_function_is_called_in_its_turn():
    called = []

    def make(step):
        called.append(step)
        return weights(step)

    series = CalledCheckpoints(make, [1, 2, 4], MODEL)
    assert (series.steps(), len(series), called) == ([1, 2, 4], 3, [])
    walk = iter(series)
    next(walk)
    assert called == [1]
    assert values(walk) == [(2, 2.0), (4, 4.0)]
    assert series.load(2).weight[0, 0] == 2.0


def test_modules_are_taken_as_they_are():
    assert CalledCheckpoints(lambda step: MODEL, [1]).load(1) is MODEL


def test_paths_are_loaded(tmp_path):
    torch.save(weights(3), tmp_path / "x.pt")
    series = CalledCheckpoints(lambda step: tmp_path / "x.pt", [3], MODEL)
    assert values(series) == [(3, 3.0)]


@pytest.mark.parametrize(
    ("given", "model", "words"),
    [
        (7, MODEL, "source must give checkpoints, got 'int at step 1'"),
        (weights(1), None, "model must be given for weights by name"),
        (
            {"weight": torch.zeros(1, 2)},
            MODEL,
            r"weights of the model \(step 1\), got 'missing bias",
        ),
        ("nowhere.pt", MODEL, "checkpoint must be readable, got .nowhere.pt"),
    ],
)
def test_refuses_what_is_no_checkpoint(given, model, words):
    with pytest.raises(InputError, match=words):
        CalledCheckpoints(lambda step: given, [1], model).load(1)


def test_refuses_other_steps():
    with pytest.raises(InputError, match="step must be a step of the series, got 3"):
        CalledCheckpoints(weights, [1, 2], MODEL).load(3)


def test_an_iterator_passes_once():
    series = PassingCheckpoints(((step, weights(step)) for step in (1, 2)), MODEL)
    assert values(series) == [(1, 1.0), (2, 2.0)]
    with pytest.raises(InputError, match="got 'a second loop of an iterator'"):
        next(iter(series))


def test_an_iterator_has_no_list():
    series = PassingCheckpoints(iter([]), MODEL)
    for ask in (series.steps, lambda: series.load(1), series.remaining):
        with pytest.raises(InputError, match="must be a mapping, or a function with steps=, for"):
            ask()
    with pytest.raises(TypeError, match="an iterator of checkpoints has no length"):
        len(series)
    assert list(series) == []


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([(2, weights(2)), (1, weights(1))], "source must go on after step 2, got 1"),
        ([(2, weights(2)), (2, weights(2))], "source must go on after step 2, got 2"),
        ([weights(1)], "source must consist of pairs, got 'dict'"),
        ([("1", weights(1))], "source must consist of pairs, got 'tuple'"),
    ],
)
def test_an_iterator_must_go_on(pairs, words):
    with pytest.raises(InputError, match=words):
        list(PassingCheckpoints(iter(pairs), MODEL))


def test_an_iterator_begun_again_goes_on_where_the_record_ends(tmp_path):
    record = Record(tmp_path / "record.json", "mine")

    def series():
        return PassingCheckpoints(((s, weights(s)) for s in (1, 2, 4)), MODEL, record)

    for step, _ in series():
        if step == 2:
            break
    assert values(series()) == [(2, 2.0), (4, 4.0)]


def test_lists_must_have_each_step_once():
    assert list(table_of([(2, MODEL), (1, MODEL)])) == [2, 1]
    with pytest.raises(InputError, match="source must not have a step twice, got 2"):
        table_of([(2, MODEL), (2, MODEL)])
