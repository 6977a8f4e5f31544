import numpy as np
import pytest

from somite.core.errors import InputError
from somite.estimators import coupling, partition_score
from somite.sampling.convergence import mean_error
from unit.estimators.pairs import pair_draws, with_blocks
from unit.estimators.recorded import normal, recorded, spoiled

NAMES = ("A", "B", "full")
HALVES = {"left": ["A", "B"], "right": ["C", "D"]}
OTHERS = ({"left": ["A", "C"], "right": ["B", "D"]}, {"left": ["A", "D"], "right": ["B", "C"]})


def draws_of_two(**more):
    return with_blocks(pair_draws(names=NAMES, **more))


def draws_of_four():
    """λ is 1 for each of A to D, 1.5 for A|B and C|D, 2 for other pairs, 2.8 for all."""
    means = {**dict.fromkeys("ABCD", 1.0), "A|B": 1.5, "C|D": 1.5, "full": 2.8}
    means |= dict.fromkeys(("A|C", "B|D", "A|D", "B|C"), 2.0)
    losses = np.stack(
        [0.1 * m + 0.001 * normal(4, 50, seed=i) for i, m in enumerate(means.values())]
    )
    draws = recorded({"loss": losses, "share": losses}, components=len(means))
    sizes = [4 if name == "full" else name.count("|") + 1 for name in means]
    return draws.assign_coords(component=list(means)).assign(size=("component", sizes))


def test_every_number_is_that_of_its_joint_series():
    draws = draws_of_two()
    table = coupling(draws)
    a, b, full = 10 * draws.loss.values
    part = 10 * draws.block_share.sel(component="full", block="A").values
    one = table.sel(component="A")
    assert one.llc.item() == pytest.approx(a.mean())
    assert one.share.item() == pytest.approx(part.mean())
    assert one.gap_mcse.item() == pytest.approx(mean_error(a - part))
    assert one.coupling.item() == pytest.approx(0.1)
    assert one.coupling_mcse.item() == pytest.approx(0, abs=1e-9)  # share and loss move as one
    assert table.total_coupling.item() == pytest.approx((a + b - full).mean())
    assert table.total_coupling_mcse.item() == pytest.approx(mean_error(a + b - full))
    assert table.llc_full_mcse.item() == pytest.approx(mean_error(full))


def test_the_error_of_a_coupling_is_that_of_its_first_order_change():
    draws = draws_of_two()
    draws["block_share"] = draws.block_share + 0.1 * normal(3, 4, 50, 2, seed=5)
    one = coupling(draws).sel(component="A")
    a = 10 * draws.loss.sel(component="A").values
    part = 10 * draws.block_share.sel(component="full", block="A").values
    moved = (part.mean() + 1e-6 * part) / (a.mean() + 1e-6 * a) - part.mean() / a.mean()
    assert one.coupling_mcse.item() == pytest.approx(mean_error(moved) / 1e-6, rel=1e-3)


def test_the_gate_is_the_anharmonicity_of_the_full_chain():
    draws = draws_of_two()
    draws["share"] = draws.loss / 0.7
    table = coupling(draws)
    assert table.anharmonicity.item() == pytest.approx(0.7)
    assert "below 1: degenerate" in table.remark.item()


def test_what_is_missing_is_named():
    draws = draws_of_two()
    with pytest.raises(InputError, match=r"blocks of the draws must hold \['B'\]"):
        coupling(draws.isel(block=[0]), ["A", "B"])
    with pytest.raises(InputError, match="component full must be among the components"):
        coupling(draws.isel(component=[0, 1]))
    with pytest.raises(InputError, match="number of components"):
        coupling(pair_draws(names=NAMES))
    with pytest.raises(InputError, match="A, B of full must cover the whole"):
        coupling(draws.assign(size=("component", [1, 1, 5])))
    with pytest.raises(InputError, match="A, B of full must not overlap"):
        coupling(draws.assign(size=("component", [4, 4, 5])))
    with pytest.raises(InputError, match="component A must have chains that all ended well"):
        coupling(spoiled(draws))


def test_failed_chains_are_left_out_of_all():
    draws = spoiled(draws_of_two(), component=1, chain=3)
    table = coupling(draws, on_failure="leave out")
    kept = coupling(draws_of_two().isel(chain=[0, 1, 2]))
    assert table.total_coupling.item() == pytest.approx(kept.total_coupling.item())
    assert table.chains_failed.item() == 1
    alone = spoiled(draws_of_two().isel(chain=[0]), chain=0)
    with pytest.raises(InputError, match="draws must have a chain that is good in all components"):
        coupling(alone, on_failure="leave out")


def test_a_partition_cuts_what_its_modules_exceed_the_whole_by():
    draws = draws_of_four()
    found = partition_score(draws, HALVES)
    series = {str(n): 10 * draws.loss.sel(component=n).values for n in draws.component.values}
    cut = series["A|B"] + series["C|D"] - series["full"]
    total = sum(series[name] for name in "ABCD") - series["full"]
    assert found["cut"].item() == pytest.approx(cut.mean())
    assert found.cut_mcse.item() == pytest.approx(mean_error(cut))
    assert found.score.item() == pytest.approx(1 - cut.mean() / total.mean())
    change = (cut - cut.mean() / total.mean() * total) / total.mean()
    assert found.score_mcse.item() == pytest.approx(mean_error(change))


def test_the_coarsest_and_the_finest_partition_score_one_and_zero():
    draws = draws_of_four()
    assert partition_score(draws, {"all": "ABCD"}).score.item() == pytest.approx(1)
    finest = {name: [name] for name in "ABCD"}
    assert partition_score(draws, finest).score.item() == pytest.approx(0)


def test_random_partitions_of_the_same_sizes_are_worse():
    found = partition_score(draws_of_four(), HALVES, OTHERS)
    assert found.z.item() > 4
    assert found.p.item() == pytest.approx(1 / 3)
    assert (found.null_score < found.score).all()
    worst = partition_score(draws_of_four(), OTHERS[0], [HALVES, OTHERS[1]])
    assert worst.p.item() > 0.5


def test_partitions_that_were_not_sampled_are_refused():
    draws = draws_of_four()
    with pytest.raises(InputError, match=r"component B\|C\|D must be among the components"):
        partition_score(draws, {"one": ["A"], "rest": ["B", "C", "D"]})
    with pytest.raises(InputError, match=r"components A\|B, C of full must cover the whole"):
        partition_score(draws, {"left": ["A", "B"], "right": ["C"]})
    with pytest.raises(InputError, match=r"number of nulls must be .* at least 2"):
        partition_score(draws, HALVES, OTHERS[:1])


def test_without_any_coupling_there_is_no_score():
    draws = draws_of_four()
    draws.loss[:] = draws.loss - draws.loss.mean(("chain", "draw"))
    assert np.isnan(partition_score(draws, HALVES).score.item())
