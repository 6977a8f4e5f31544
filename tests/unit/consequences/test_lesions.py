from itertools import combinations

import numpy as np
import pytest

from somite.baselines import mlp_lesions, transformer_lesions
from somite.consequences import kept_evaluations, module_lesion, random_sets
from somite.core.errors import InputError
from somite.modularity.specialization import profiles, scores
from somite.truths.planted_mlp import PlantedSettings, planted_mlp
from somite.truths.roles import planted_roles

LAYERS = {**dict.fromkeys("abcdef", "0"), **dict.fromkeys("uvwxyz", "1")}


def additive(withheld):
    """a and u do x; y is no one's; heads of another layer do not matter."""
    cost = 2.0 * ("a" in withheld) + 3.0 * ("u" in withheld)
    return {"x": np.array([1.0, 2.0, 3.0]) + cost, "y": np.ones(3)}


def selective(rises):
    return float(scores(profiles(np.asarray(rises)[None]))["selectivity"][0])


def test_a_module_that_does_one_thing():
    found = module_lesion(additive, ["a", "u"], LAYERS)
    assert found.attrs == {"sets": 36, "exact": 1}
    assert found.rise.values.tolist() == [5.0, 0.0]
    assert found.standard_error.values[0] == 0
    assert found.p_value.sel(measure="x").item() == 1 / 36
    assert found.p_value.sel(measure="y").item() == 1
    assert found.faithfulness.sel(measure="x").item() == 1
    assert np.isnan(found.faithfulness.sel(measure="y").item())
    assert found.q_value.sel(measure="x").item() == 2 / 36
    assert found.faithfulness_q.sel(measure="x").item() == 1 / 36


def test_a_module_that_does_half():
    found = module_lesion(additive, ["a", "v"], LAYERS)
    assert found.faithfulness.sel(measure="x").item() == pytest.approx(2 / 5)
    # At least 2 of 5: every set with a, and every set with u.
    assert found.p_value.sel(measure="x").item() == pytest.approx(11 / 36)


def test_random_sets_keep_the_layers():
    drawn, exact = random_sets(["a", "b", "u"], LAYERS, 200, 0)
    assert exact
    assert len(set(drawn)) == 15 * 6
    drawn, exact = random_sets(["a", "b", "c", "u", "v", "w"], LAYERS, 200, 0)
    assert not exact
    assert len(drawn) == 200
    assert all(sum(LAYERS[n] == "0" for n in one) == 3 for one in drawn)
    assert all(len(set(one)) == 6 for one in drawn)
    assert drawn == random_sets(["a", "b", "c", "u", "v", "w"], LAYERS, 200, 0)[0]


def test_p_is_uniform_where_no_component_is_special():
    """Over all modules of three components that do as much as any others, p < 0.05 in 5 %."""
    cost = dict(zip("abcdefgh", np.random.default_rng(0).normal(size=8), strict=True))
    layers = dict.fromkeys(cost, "0")

    def evaluate(withheld):
        return {"x": np.array([0.0, 1.0]) + sum(cost[name] for name in withheld)}

    kept = kept_evaluations(evaluate)
    found = [module_lesion(kept, m, layers).p_value.item() for m in combinations(cost, 3)]
    np.testing.assert_allclose(sorted(found), np.arange(1, 57) / 56)


@pytest.mark.parametrize("seed", [0, 1])
def test_lesions_of_planted_heads_hit_their_own_task(seed):
    truth = planted_roles(seed, steps=0)
    rows = {name: task.data for name, task in truth.tasks.items()}
    evaluate = transformer_lesions(truth.model, rows)
    layers = {name: name.partition(":")[0] for name in truth.components}
    own = {"induction": "repeats", "bigram": "bigram", "skip-trigram": "skip"}
    for module, members in truth.modules.items():
        found = module_lesion(evaluate, members, layers)
        assert found.rise.idxmax("measure").item() == own[module]
        assert selective(found.rise.values) >= 0.9
    wrong = module_lesion(evaluate, ["0:0", "1:1"], layers)  # heads of two tasks
    assert selective(wrong.rise.values) < 0.9


@pytest.mark.parametrize("modules", [2, 3])
def test_lesions_of_planted_neurons_hit_their_own_task(modules):
    truth = planted_mlp(0, "masked", PlantedSettings(((2, 3, 2),) * modules))
    tasks = truth.tasks
    layers = dict.fromkeys(truth.components, "0")
    evaluate = {
        name: mlp_lesions(truth.model, task.loss, {name: task.data}) for name, task in tasks.items()
    }

    def together(withheld):
        return {name: one(withheld)[name] for name, one in evaluate.items()}

    for module, members in truth.modules.items():
        found = module_lesion(together, members, layers)
        assert found.rise.idxmax("measure").item() == module
        assert selective(found.rise.values) >= 0.9
        assert found.faithfulness.sel(measure=module).item() == pytest.approx(1, abs=1e-9)
    mixed = [members[0] for members in truth.modules.values()]
    assert selective(module_lesion(together, mixed, layers).rise.values) < 0.9


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ([], "module must name at least one component"),
        (["a", "a"], "module must name at least one component, each once"),
        (["q"], "module must be a known name"),
    ],
)
def test_bad_input_is_named(module, message):
    with pytest.raises(InputError, match=message):
        module_lesion(additive, module, LAYERS)
    with pytest.raises(InputError, match="sets must be a whole number of at least 1"):
        module_lesion(additive, ["a"], LAYERS, sets=0)


def test_what_was_evaluated_is_remembered():
    calls = []

    def evaluate(withheld):
        calls.append(set(withheld))
        return {"x": np.zeros(2)}

    kept = kept_evaluations(evaluate)
    for names in (["a", "b"], ["b", "a"], ["a"]):
        kept(names)
    assert calls == [{"a", "b"}, {"a"}]
