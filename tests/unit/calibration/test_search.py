"""What is tried next, and what is taken in the end."""

import math
from dataclasses import replace

import numpy as np
import pytest

from somite.calibration import search as module
from somite.calibration.reach import HIGHEST, half_decade
from somite.calibration.search import MOST_DRAWS, SHRINK, Choice, best_of, search
from unit.calibration.small import Drawn, basin, searcher, trial

CHOICE = Choice(notch=4, n_beta=100.0)
"""At localization 100."""


def cell(**numbers):
    return Drawn(basin(1), **numbers)


def follow(found, *trials, choice=CHOICE):
    return found.following(choice, trials)


def test_a_step_that_is_too_long_is_shortened():
    after, why = follow(searcher(cell()), trial(temperature=1.5))
    assert after == replace(CHOICE, shrink=SHRINK)
    assert why == "the step was too long"


def test_chains_that_had_not_settled_wait_longer():
    after, why = follow(searcher(cell()), trial(temperature=0.5))
    assert after == replace(CHOICE, patience=2.0)
    assert why == "the chains had not settled"


def test_chains_that_left_are_held():
    after, why = follow(searcher(cell()), trial(distance_ratio=3.0))
    assert after == replace(CHOICE, notch=5)
    assert why == "chains went too far"


def test_at_the_strongest_localization_chains_are_not_held_more():
    choice = replace(CHOICE, notch=HIGHEST)
    after, _ = follow(searcher(cell()), trial(distance_ratio=3.0), choice=choice)
    assert after.notch == HIGHEST


def test_chains_that_are_too_short_become_as_long_as_they_lack():
    after, why = follow(searcher(cell()), trial(ess=25.0))
    assert after == replace(CHOICE, draws=600)
    assert why == "the chains were too short"
    after, _ = follow(searcher(cell()), trial(r_hat=1.1, verdict="usable with care"))
    assert after.draws == 380
    after, _ = follow(searcher(cell()), trial(ess=1.0))
    assert after.draws == MOST_DRAWS["BAOAB"]


def test_chains_that_cannot_be_longer_end_the_search():
    choice = replace(CHOICE, draws=MOST_DRAWS["BAOAB"])
    after, why = follow(searcher(cell()), trial(ess=25.0), choice=choice)
    assert after is None
    assert why == "longer chains did not mend the verdicts"


def test_a_quadratic_basin_ends_the_search():
    after, why = follow(searcher(cell()), trial(llc=2.0, share=2.05))
    assert after is None
    assert "quadratic" in why


def test_a_basin_that_is_none_is_made_narrower():
    made, first = searcher(cell()), trial(llc=2.0, share=3.0)
    after, why = follow(made, first)
    assert (after.notch, after.n_beta, why) == (5, half_decade(9), "narrower")
    after, why = follow(made, first, trial(llc=2.0, share=2.95))
    assert after is None
    assert "did not make the loss more quadratic" in why
    after, _ = follow(made, first, trial(llc=2.0, share=2.5))
    assert after.notch == 5


def test_a_narrower_basin_without_signal_is_not_tried():
    after, why = follow(searcher(cell(center_gradient=1e-3)), trial(llc=2.0, share=3.0))
    assert after is None
    assert "n_beta is at its bound" in why


def test_the_first_n_beta_is_a_half_decade_within_its_bounds():
    assert searcher(cell(curvature=4.0)).start() == Choice(4, 1000.0)  # bound 2500
    assert searcher(cell(curvature=40.0)).start() == Choice(4, 100.0)  # bound 250
    assert searcher(cell(curvature=0.0)).start() == Choice(4, 100.0)  # no bound: localization


def test_n_over_log_n_is_taken_as_it_is():
    start = searcher(cell(curvature=0.1), n=1000).start()
    assert start == Choice(4, 1000 / math.log(1000))


def test_localization_is_raised_until_mixing_allows_n_over_log_n():
    start = searcher(cell(curvature=400.0), n=1000).start()
    assert start == Choice(6, 1000 / math.log(1000))  # 100 · 1000 / 400 = 250 > 144.8
    sloped = searcher(cell(curvature=400.0, center_gradient=0.01), n=1000).start()
    assert sloped.n_beta < 1000 / math.log(1000)  # the slope forbids it at any localization


def test_components_are_spread_from_the_softest_to_the_stiffest():
    cells = [cell(component=str(i), curvature=float(i)) for i in range(16)]
    made = searcher(*reversed(cells))
    assert sorted(map(int, made.spread(6).masks)) == [0, 3, 6, 9, 12, 15]
    assert sorted(map(int, made.spread(6, 2).masks)) == [0, 15]
    assert len(made.spread(99).masks) == 16


def test_settings_carry_what_was_mended():
    made = searcher(cell())
    usual, mended = made.at(100.0, 4), made.at(100.0, 4, shrink=0.25, patience=3.0)
    assert mended.kernel.step_size == pytest.approx(usual.kernel.step_size / 2, rel=0.05)
    assert mended.burn_in >= 3 * usual.burn_in
    assert mended.localization == 100


def test_of_good_trials_the_most_quadratic_is_best_but_for_small_gains():
    rough, slight, clear = (trial(share=share) for share in (3.0, 2.98, 2.2))
    assert best_of([rough, slight]) is rough
    assert best_of([rough, slight, clear]) is clear
    assert best_of([trial(share=np.nan, llc=np.nan), rough])


def test_without_a_good_trial_the_least_bad_is_best():
    bad, better = trial(temperature=2.0), trial(cells=4, temperature=2.0)
    better.table.verdict[0, 0] = "good"
    assert best_of([bad, better]) is better


def test_a_problem_that_cannot_be_mended_ends(monkeypatch):
    said = []
    monkeypatch.setattr(module, "run_trials", lambda *_: [trial(distance_ratio=3.0)])
    found = search(searcher(cell()), said.append)
    assert len(found.trials) == module.MOST_TRIALS
    assert "trials were made" in found.ended
    assert said[0].startswith("trial 1: n_beta 10000, localization 100")
    assert "0% of the cells are good" in said[1]


def test_the_search_follows_the_troubles(monkeypatch):
    answers = iter([trial(temperature=1.5), trial(ess=25.0), trial()])
    tried = []

    def run(problem, settings, chains, draws):
        (setting,) = settings
        tried.append((setting, draws))
        return [replace(next(answers), setting=setting, draws=draws)]

    monkeypatch.setattr(module, "run_trials", run)
    found = search(searcher(cell()), lambda text: None)
    assert [setting.shrink for setting, _ in tried] == [1.0, SHRINK, SHRINK]
    assert [draws for _, draws in tried] == [250, 250, 600]
    assert found.best is found.trials[-1]
    assert found.limits
