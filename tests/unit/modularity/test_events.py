import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.events import find_events
from unit.modularity.test_tracking import labels

OLD = ["aaaabbbb"] * 3


def events(*rows: str, least_support: float = 0.8, window: int = 2) -> list[tuple]:
    """Kind, number of the checkpoint and sizes of each event, in partitions without noise."""
    given = labels(*rows)
    again = given.expand_dims(replicate=3)
    found = find_events(given, again, window, least_support)
    steps = (found.step.values / 10).astype(int).tolist()
    sizes = zip(found.size_before.values.tolist(), found.size_after.values.tolist(), strict=True)
    return list(zip(found.kind.values.tolist(), steps, sizes, strict=True))


def test_nothing_happens_where_nothing_changes() -> None:
    assert events(*OLD, *OLD) == []


def test_birth_and_death() -> None:
    assert events("aaa...", "aaa...", "aaabbb", "aaabbb") == [("birth", 2, (0, 3))]
    assert events("aaabbb", "aaabbb", "aaa...", "aaa...") == [("death", 2, (3, 0))]


def test_split() -> None:
    found = events("aaaaaaabb", "aaaaaaabb", "aaaacccbb", "aaaacccbb")
    assert found == [("split", 2, (7, 3))]


def test_merge() -> None:
    found = events("aaaacccbb", "aaaacccbb", "aaaaaaabb", "aaaaaaabb")
    assert found == [("merge", 2, (3, 7))]


def test_growth_and_shrink() -> None:
    found = events("aaaa..bbbb", "aaaa..bbbb", "aaaaaabb..", "aaaaaabb..")
    assert found == [("growth", 2, (4, 6)), ("shrink", 2, (4, 2))]


def test_a_component_that_changes_sides_makes_one_grow_and_the_other_shrink() -> None:
    found = events("aaaabbbb", "aaaabbbb", "aaabbbbb", "aaabbbbb")
    assert found == [("shrink", 2, (4, 3)), ("growth", 2, (4, 5))]


def test_what_does_not_last_is_no_event() -> None:
    assert events("aaa...", "aaa...", "aaabbb", "aaa...", "aaa...") == []
    assert events("aaabbb", "aaabbb", "aaa...", "aaabbb", "aaabbb") == []
    assert events("aaaabb", "aaaabb", "aaabbb", "aaaabb", "aaaabb") == []
    assert events("aaa...", "aaa...", "aaabbb") == []
    longer = ["aaa...", "aaa...", "aaa...", "aaabbb", "aaabbb"]
    assert events(*longer) != []
    assert events(*longer, window=3) == []


def test_what_is_left_of_a_module_is_no_birth() -> None:
    found = events("aaaaaaaabb", "aaaaaaaabb", "cc......bb", "cc......bb")
    assert "birth" not in [kind for kind, *_ in found]


def test_support_is_the_share_of_replicates_that_see_it() -> None:
    rows = ["aaa...", "aaa...", "aaabbb", "aaabbb", "aaabbb"]
    late = ["aaa...", "aaa...", "aaa...", "aaabbb", "aaabbb"]
    never = ["aaa..."] * 5
    given = labels(*rows)
    again = xr.concat([labels(*r) for r in (rows, late, never, never)], "replicate")
    assert find_events(given, again).sizes["event"] == 0
    found = find_events(given, again, least_support=0.5)
    assert found.support.values.tolist() == [0.5]
    assert found.module.values.tolist() == [1]


def test_noise_makes_no_events() -> None:
    generator = np.random.default_rng(0)
    given = xr.DataArray(
        generator.integers(0, 3, (30, 9)), {"step": np.arange(30)}, ("step", "component")
    )
    again = given.expand_dims(replicate=10).copy(data=generator.integers(0, 3, (10, 30, 9)))
    assert find_events(given, again).sizes["event"] == 0
    assert find_events(given, again, least_support=0.0).sizes["event"] > 0


def test_bad_input_is_refused() -> None:
    given = labels(*OLD)
    again = given.expand_dims(replicate=3)
    with pytest.raises(InputError, match="replicates must have the dims replicate, step, comp"):
        find_events(given, given)
    with pytest.raises(InputError, match="replicates must be a whole number of at least 2, got 1"):
        find_events(given, again[:1])
    with pytest.raises(InputError, match="must hold 3 steps and 8 components, as labels"):
        find_events(given, again[:, 1:])
    with pytest.raises(InputError, match="replicates must be whole numbers"):
        find_events(given, again * 1.0)
    with pytest.raises(InputError, match="window must be a whole number of at least 2"):
        find_events(given, again, window=1)
