"""Heads answer to the tasks that they have a part in, and to no other; their modules come out."""

from dataclasses import replace

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.truths import response
from somite.truths.judging import judged
from somite.truths.roles import planted_roles

TASK_OF = {"induction": "repeats", "skip-trigram": "skip", "bigram": "bigram"}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Chains short enough for a test; docs/response.md has those of the comparison."""
    for name, value in {"BURN_IN": 6, "DRAWS": 12, "EXAMPLES": 4}.items():
        monkeypatch.setattr(response, name, value)


@pytest.mark.slow  # samples four heads: about 8 s
def test_planted_heads_answer_to_their_own_task_alone():
    truth = planted_roles()
    found = response.task_susceptibilities(truth)
    assert found.dims == ("component", "example")
    assert (found.mcse > 0).all()
    plain = found - found.variance
    for head, module in truth.labels.items():
        one = plain.sel(component=head)
        own = one.task == TASK_OF[module]
        assert float(one[own].mean()) < 0
        np.testing.assert_allclose(
            one[~own], 0, atol=1e-9 * float(found.variance.sel(component=head))
        )
    matrix = response.response(truth)
    assert judged(matrix, truth, "rotation", 0).row["ari"] == 1
    turned = dict(zip(truth.labels, np.roll(list(truth.labels.values()), 1), strict=True))
    wrong = replace(truth, labels=turned)
    assert judged(matrix, wrong, "rotation", 0).row["ari"] < 1


def test_a_truth_without_tasks_is_refused():
    truth = planted_roles(steps=0)
    bare = replace(truth, tasks={})
    with pytest.raises(InputError, match=r"truth must have at least 2 tasks, got \[\]"):
        response.task_susceptibilities(bare)
