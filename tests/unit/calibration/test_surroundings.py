"""The settings around the choice."""

import pytest

from somite.calibration import surroundings as module
from somite.calibration.search import Search
from somite.calibration.surroundings import neighbours, surroundings
from unit.calibration.small import Drawn, basin, searcher, trial

CELLS = [Drawn(basin(1), component=name, curvature=c) for name, c in (("a", 1.0), ("b", 4.0))]


def test_neighbours_are_half_a_decade_around():
    made = searcher(*CELLS)
    found = neighbours(made, made.at(100.0, 4))
    scales = {(s.n_beta, s.localization) for s in found[:8]}
    assert scales == {(n, g) for n in (30, 100, 300) for g in (30, 100, 300)} - {(100, 100)}
    steps = [s.kernel.step_size for s in found[8:]]
    usual = made.at(100.0, 4).kernel.step_size
    assert steps == pytest.approx([usual / 2, usual * 3**0.5], rel=0.03)


def test_neighbours_keep_what_was_mended():
    made = searcher(*CELLS)
    for setting in neighbours(made, made.at(100.0, 4, shrink=0.4, patience=2.0)):
        assert setting.shrink in (0.4, 0.1, pytest.approx(1.2))
        assert setting.patience == 2.0


def test_a_scale_off_the_grid_stays_the_middle():
    made = searcher(*CELLS)
    scales = sorted({s.n_beta for s in neighbours(made, made.at(144.76, 4))})
    assert scales == [46, 144.76, 460]


def test_the_map_begins_with_the_choice(monkeypatch):
    asked = []

    def run(problem, settings, chains, draws, ended):
        asked.append((len(settings), draws))
        ended()
        return [named(trial(cells=2, draws=draws)) for _ in settings]

    said = []
    monkeypatch.setattr(module, "run_trials", run)
    made, best = searcher(*CELLS), named(trial(cells=2, llc=7.0, draws=500))
    found = surroundings(made, Search((best,), best, (), ""), True, said.append)
    assert said == ["map: 1 of 10 settings"]
    assert found.llc.isel(trial=0).values.tolist() == [7.0, 7.0]
    assert found.draws.values.tolist() == [500] + [200] * 10
    assert asked == [(10, 200)]
    alone = surroundings(made, Search((best,), best, (), ""), False, lambda text: None)
    assert alone.chosen.values.tolist() == [True]


def named(one):
    one.table.coords["component"] = ["a", "b"]
    one.table.coords["checkpoint"] = ["0"]
    return one
