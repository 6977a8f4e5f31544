"""The largest influences on queries, with the numbers of the library, beside the control."""

import numpy as np
import pytest

import somite as so
from somite.study.influence import spread
from unit.report.synthetic_response import influences, losses

OWN = losses(0, 30.0)


def test_examples_are_the_largest_of_all_pairs() -> None:
    found, means = influences(), OWN.loss.mean("token")
    whole = so.influence(means, means.isel(example=[0, 4, 8]))
    size = abs(whole.correlation.values)
    for place, query in enumerate((0, 4, 8)):
        size[:, place, query] = 0
        assert (found.example.values[:, place] != query).all()
    np.testing.assert_array_equal(found.example[..., 0], size.argmax(2))
    best = found.example.values[..., :1]
    picked = np.take_along_axis(whole.influence_mcse.values, best, 2)
    np.testing.assert_allclose(found.influence_mcse[..., :1], picked, rtol=1e-6)


def test_tokens_are_the_largest_and_never_the_query() -> None:
    found = influences()
    places = list(zip(found.query_example.values, found.query_token.values, strict=True))
    for i, (example, token) in enumerate(places):
        query = OWN.loss.isel(example=[example], token=[token])
        top = so.top_influences(OWN.loss, query, count=2).isel(query=0, query_token=0)
        assert (top.correlation[:, 0] > 1 - 1e-9).all()  # itself
        np.testing.assert_allclose(found.token_correlation[:, i, 0], top.correlation[:, 1])
        same = (found.token_example[:, i] == example) & (found.token[:, i] == token)
        assert not same.any()


def test_the_control_has_the_same_pairs() -> None:
    found, control = influences(), losses(1, 0.0, planted=0)
    component, query, rank = 5, 1, 2
    pair = found.isel(component=component, query=query, token_rank=rank)
    one = control.loss[component].values[..., int(pair.token_example), int(pair.token)]
    other = control.loss[component].values[
        ..., int(found.query_example[query]), int(found.query_token[query])
    ]
    expected = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    assert pair.token_control_correlation.item() == pytest.approx(expected)


def test_chance_is_said() -> None:
    found = influences()
    assert (found.q <= 1).all()
    assert (found.q < 0.05).mean() > 0.5  # all losses follow the reference
    assert (found.control_q < 0.05).mean() < 0.05  # and do so without loss
    assert found.null_share.mean() < 0.1


def test_queries_are_spread_over_domains() -> None:
    assert spread(["a", "b", "b", "c"], 3) == [0, 1, 3]
    assert spread(["a", "b"], 9) == [0, 1]
