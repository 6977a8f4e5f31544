import pytest
import torch
from torch import nn

from somite.core.errors import InputError
from somite.training.given_series import CalledCheckpoints
from somite.training.record import Record
from somite.training.series import chosen_steps


def series(record=None) -> CalledCheckpoints:
    return CalledCheckpoints(lambda step: nn.Linear(1, 1), [1, 2, 4, 8], None, record)


def walked(checkpoints, stop=None) -> list[int]:
    seen = []
    for step, _ in checkpoints:
        seen.append(step)
        if step == stop:
            break
    return seen


def test_walks_again_without_a_record():
    checkpoints = series()
    assert walked(checkpoints, stop=2) == [1, 2]
    assert walked(checkpoints) == [1, 2, 4, 8]


def test_a_step_is_finished_when_the_loop_goes_on(tmp_path):
    record = Record(tmp_path / "record.json", "mine")
    assert walked(series(record), stop=4) == [1, 2, 4]
    assert series(record).remaining() == [4, 8]
    assert walked(series(record)) == [4, 8]
    assert walked(series(record)) == []
    assert series(record).steps() == [1, 2, 4, 8]


def test_an_earlier_model_is_let_go():
    freed = []

    class Noticed(nn.Linear):
        def __del__(self):
            freed.append(int(self.weight[0, 0].item()))

    def make(step):
        model = Noticed(1, 1)
        nn.init.constant_(model.weight, step)
        return model

    for step, model in CalledCheckpoints(make, [1, 2, 3, 4]):
        assert torch.equal(model.weight, torch.full((1, 1), float(step)))
        assert freed == list(range(1, step))


@pytest.mark.parametrize("wanted", [[], [1, 1]])
def test_steps_are_chosen_once_each(wanted):
    with pytest.raises(InputError, match="steps must be some steps, each once"):
        chosen_steps([1, 2], wanted)


def test_names_the_nearest_steps():
    words = r"step must be a step of the series, got 5\. Of 4 steps the nearest are 2, 4, 8\."
    with pytest.raises(InputError, match=words):
        chosen_steps([1, 2, 4, 8], [1, 5])
