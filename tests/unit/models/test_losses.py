from functools import partial

import pytest
import torch
import torch.nn.functional as F

from somite.core.random import stream
from somite.models import MLP, cross_entropy_loss, squared_error_loss

X = torch.randn(6, 3, generator=stream("x"), dtype=torch.float64)


def test_squared_error_is_half_the_sum_over_outputs():
    model, y = MLP([3, 4, 2]).double(), torch.ones(6, 2).double()
    found = squared_error_loss(model, (X, y))
    torch.testing.assert_close(found, 0.5 * ((model(X) - 1) ** 2).sum(1))


def test_squared_errors_of_separate_outputs_add():
    model, y = MLP([3, 4, 3]).double(), torch.zeros(6, 3).double()
    parts = [partial(squared_error_loss, outputs=own)(model, (X, y)) for own in ((0, 2), (1,))]
    torch.testing.assert_close(sum(parts), squared_error_loss(model, (X, y)))


def test_cross_entropy_of_one_question_is_the_usual_one():
    model, labels = MLP([3, 4, 5]).double(), torch.tensor([0, 1, 2, 3, 4, 0])
    found = cross_entropy_loss(model, (X, labels))
    torch.testing.assert_close(found, F.cross_entropy(model(X), labels, reduction="none"))


@pytest.mark.parametrize("question", [0, 1])
def test_cross_entropy_of_several_questions_is_a_softmax_each(question):
    model = MLP([3, 4, 6]).double()
    labels = torch.randint(3, (6, 2), generator=stream("labels"))
    own = model(X)[:, 3 * question : 3 * question + 3]
    expected = F.cross_entropy(own, labels[:, question], reduction="none")
    found = cross_entropy_loss(model, (X, labels), questions=[question])
    torch.testing.assert_close(found, expected)
    both = [cross_entropy_loss(model, (X, labels), questions=[k]) for k in (0, 1)]
    torch.testing.assert_close(sum(both), cross_entropy_loss(model, (X, labels)))
