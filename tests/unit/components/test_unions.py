import pytest
import torch

from somite import Mask
from somite.components import modules, pairs, random_partitions
from somite.components.unions import check_disjoint, module_members, union_name
from somite.core.errors import InputError

ROWS = torch.eye(4, dtype=torch.bool)
PARTS = {name: Mask({"w": row}) for name, row in zip("ABCD", ROWS, strict=True)}
BOTH = Mask({"w": ROWS[0] | ROWS[1]})
HALVES = {"left": ["B", "A"], "right": ["C", "D"]}


def test_pairs_hold_the_components_and_their_unions():
    masks = pairs(PARTS)
    assert list(masks) == [*"ABCD", "A|B", "A|C", "A|D", "B|C", "B|D", "C|D"]
    assert masks["B|D"].entries["w"].tolist() == [False, True, False, True]


def test_chosen_pairs_need_only_what_is_in_them():
    assert list(pairs(PARTS, [("C", "A")])) == ["A", "C", "C|A"]


def test_a_pair_is_of_two_known_components():
    with pytest.raises(InputError, match=r"pairs must be of known components, got 'E'"):
        pairs(PARTS, [("A", "E")])
    with pytest.raises(InputError, match="pairs must be of two components"):
        pairs(PARTS, [("A", "A")])
    with pytest.raises(InputError, match=r"number of components .* at least 2"):
        pairs({"A": PARTS["A"]})


def test_overlaps_are_named():
    with pytest.raises(InputError, match=r"components A and AB must not share weights.*1 entries"):
        check_disjoint({"A": PARTS["A"], "AB": BOTH, "C": PARTS["C"]})
    with pytest.raises(InputError, match="components B and AB must not share weights"):
        pairs({"B": PARTS["B"], "AB": BOTH})
    check_disjoint(PARTS | {"other": Mask({"v": ROWS[0]})})


def test_modules_are_named_by_their_components_in_order():
    masks = modules(PARTS, [HALVES, {"one": ["A"], "rest": ["D", "C", "B"]}])
    assert list(masks) == [*"ABCD", "A|B", "C|D", "B|C|D", "full"]
    assert masks["full"].size == 4
    with pytest.raises(InputError, match="components A and AB must not share"):
        modules({"A": PARTS["A"], "AB": BOTH})
    with pytest.raises(InputError, match="number of components"):
        modules({"A": PARTS["A"]})


@pytest.mark.parametrize(
    ("partition", "words"),
    [
        ({"m": "ABC"}, r"partition must cover all components, got \"none of \['D'\]\""),
        ({"m": "ABC", "n": "CD"}, "partition must hold every component once, got 'C'"),
        ({"m": "ABC", "n": "DX"}, "partition must hold known components, got 'X'"),
        ({"m": "ABCD", "n": ""}, r"partition must have no empty module, got \['n'\]"),
    ],
)
def test_a_partition_holds_every_component_once(partition, words):
    with pytest.raises(InputError, match=words):
        module_members("ABCD", partition)


def test_random_partitions_keep_the_sizes_and_are_repeatable():
    partition = {"one": "A", "rest": "BCD"}
    found = random_partitions("ABCD", partition, 40, seed=3)
    assert {tuple(len(p[m]) for m in p) for p in found} == {(1, 3)}
    assert {union_name(p["one"]) for p in found} == set("ABCD")
    assert found == random_partitions("ABCD", partition, 40, seed=3)
    assert found != random_partitions("ABCD", partition, 40, seed=4)
    with pytest.raises(InputError, match="count must be a whole number of at least 1"):
        random_partitions("ABCD", partition, 0)
