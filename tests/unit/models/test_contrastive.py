from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import somite as so
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import contrastive_loss

VIEWS = tuple(torch.randn(6, 3, generator=stream("view", k)) for k in range(2))
NEGATIVES = torch.randn(5, 3, generator=stream("negatives"))


def test_it_is_the_cross_entropy_of_the_other_view():
    model = nn.Linear(3, 2)
    found = contrastive_loss(model, VIEWS, NEGATIVES, temperature=0.5)
    for i in range(6):
        candidates = torch.cat([VIEWS[1][i : i + 1], NEGATIVES])
        scores = F.cosine_similarity(model(VIEWS[0][i : i + 1]), model(candidates)) / 0.5
        torch.testing.assert_close(found[i], F.cross_entropy(scores, torch.tensor(0)))


def sample(loss: object) -> object:
    target = so.Target(loss, VIEWS, n_beta=5, localization=5)
    settings = {"components": "full", "chains": 1, "burn_in": 0, "draws": 3, "batch_size": 2}
    torch.manual_seed(0)
    return so.sample(nn.Linear(3, 2), target, so.SGLD(1e-3), **settings)


def test_fixed_negatives_can_be_sampled():
    assert sample(partial(contrastive_loss, negatives=NEGATIVES)).loss[0, 0, 0] == 0


def test_negatives_from_the_batch_are_refused():
    def in_batch(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        scores = F.normalize(model(batch[0])) @ F.normalize(model(batch[1])).T
        return F.cross_entropy(scores / 0.1, torch.arange(len(scores)), reduction="none")

    words = "loss must give an example the same loss whatever else is in the batch, got .*fixed"
    with pytest.raises(InputError, match=words):
        sample(in_batch)
