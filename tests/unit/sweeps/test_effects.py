import numpy as np
import pandas as pd
import pytest

from somite.core.errors import InputError
from somite.sweeps import at_equal_loss, effects
from somite.sweeps.effects import last


def grid(seeds, noise=0.0, **slopes):
    """A 2 × 3 design with known effects."""
    generator, rows = np.random.default_rng(0), []
    for seed in range(seeds):
        for width in (1, 2):
            for decay in ("none", "some", "much"):
                level = ("none", "some", "much").index(decay)
                value = 5 * seed + slopes.get("width", 0) * (width == 2) + level
                value += slopes.get("both", 0) * (width == 2) * level
                row = {"model": width * 10 + level, "seed": seed, "width": width, "decay": decay}
                rows.append(row | {"y": value + noise * generator.normal(), "failed": ""})
    return pd.DataFrame(rows)


def test_effects_are_differences_of_means_whatever_the_seeds():
    found = effects(grid(3, 1e-6, width=4, both=2), ["width", "decay"], ["y"]).set_index("term")
    assert found.effect["width: 2 − 1"] == pytest.approx(4 + 2, abs=1e-5)  # mean level is 1
    assert found.effect["decay: some − much"] == pytest.approx(-2, abs=1e-5)
    term = "width: 2 − 1 × decay: none − much"
    assert found.effect[term] == pytest.approx(-4, abs=1e-5)


def test_levels_are_compared_with_the_first():
    table = grid(3, 1e-6)
    found = effects(table, ["decay"], ["y"])
    assert found.term.tolist() == ["decay: none − much", "decay: some − much"]


def test_intervals_cover_an_effect_that_is_not_there():
    covered = []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        table = grid(3)
        table["y"] = generator.normal(size=len(table))
        row = effects(table, ["width", "decay"], ["y"]).iloc[0]
        covered.append(row.low <= 0 <= row.high)
    assert 0.90 <= np.mean(covered) <= 0.99  # 0.95, standard deviation 0.015


def test_one_seed_has_no_interval():
    with pytest.raises(InputError, match="no interval exists"):
        effects(grid(1), ["width"], ["y"])


def test_a_factor_of_one_level_is_named():
    table = grid(2)
    with pytest.raises(InputError, match="factor width"):
        effects(table[table.width == 1], ["width"], ["y"])


def test_more_terms_than_models_are_refused():
    table = grid(2)
    few = table[(table.width == 1) | (table.decay == "none")].iloc[:5]
    with pytest.raises(InputError, match="Add seeds"):
        effects(few, ["width", "decay"], ["y"])


def curve(model, losses, values):
    steps = [0, 10, 100][: len(losses)]
    return pd.DataFrame({"model": model, "seed": 0, "step": steps, "failed": "",
                         "loss": losses, "y": values})  # fmt: skip


def test_equal_loss_is_the_lowest_that_all_reach():
    table = pd.concat([curve(0, [4.0, 2.0, 1.0], [0, 2, 3]), curve(1, [4.0, 3.0, 1.5], [0, 1, 4])])
    found = at_equal_loss(table)
    assert found.loss.tolist() == pytest.approx([1.5, 1.5])
    assert found.y.tolist() == pytest.approx([2.5, 4.0])
    assert 10 < found.step[0] < 100


def test_models_that_never_reach_a_loss_are_left_out():
    table = pd.concat([curve(0, [4.0, 2.0, 1.0], [0, 2, 3]), curve(1, [4.0, 3.0, 1.5], [0, 1, 4])])
    assert at_equal_loss(table, 1.2).model.tolist() == [0]
    with pytest.raises(InputError, match="lowest loss of a model is 1"):
        at_equal_loss(table, 0.5)


def test_failed_models_have_no_last_checkpoint():
    table = curve(0, [4.0, 2.0, 1.0], [0, 2, 3])
    table.loc[len(table)] = {"model": 1, "seed": 0, "step": -1, "failed": "it diverged"}
    assert last(table).step.tolist() == [100]
