"""Transfer of a run: what is trained, what is used again, which text is refused."""

import random
import shutil

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.study.cells import read_cell
from somite.study.folder import TRANSFER, listed_transfer
from somite.study.held_out import TransferConfig
from somite.study.modules import study_modules
from somite.study.results import load_results
from somite.study.transfer import study_transfer
from somite.study.transfer_tables import PREDICTORS, WHOLE
from unit.study.finished import Listener, context_of, times

pytestmark = pytest.mark.xdist_group("smoke")
CONFIG = TransferConfig(steps=8, sets=2)
"""Also what the command is given below, which then finds all done."""


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A folder with some text files of three letters."""
    folder = tmp_path_factory.mktemp("texts") / "letters"
    folder.mkdir()
    for number in range(20):
        chance = random.Random(number)
        (folder / f"{number}.txt").write_text("".join(chance.choice("xyz ") for _ in range(600)))
    return folder


@pytest.fixture(scope="module")
def transferred(smoke_run, texts, tmp_path_factory):
    """A copy of the smoke run whose parts were trained on that text; what was said meanwhile."""
    run, watch = tmp_path_factory.mktemp("transferred") / "run", Listener()
    shutil.copytree(smoke_run, run)
    context = context_of(run)
    study_modules(context, [context.series.steps()[-1]], 1)
    assert study_transfer(context, str(texts), CONFIG, 1, watch) == "letters"
    return run, watch


def test_every_part_is_trained(transferred):
    run, watch = transferred
    assert watch.phases == ["fine-tuning", "coefficients on letters", "transfer"]
    assert "parts: " in watch.said[0]
    found = load_results(run).transfer["letters"]
    names = found["set"].values.tolist()
    assert names[:8] == [WHOLE, "all heads", "layer 0", "layer 1", "0:0", "0:1", "1:0", "1:1"]
    assert found.weights[1] == found.weights[4:8].sum()
    starts = found.learned.isel(step=0).values
    assert np.ptp(starts) == 0
    assert found.learned.sel(set=WHOLE).values[-1] < starts[0]
    assert set(found.module.values) < set(names)
    assert ((found.p_value > 0) & (found.p_value <= 1)).all()
    assert found.llc.sizes["head"] == 4
    assert ((found.selectivity >= 0) & (found.selectivity <= 1)).all()
    assert set(found.against.values) == set(PREDICTORS)


def test_the_command_finds_all_done_and_says_it(somite, transferred, texts):
    run, _ = transferred
    before = times(run, "cells/transfer*")
    ended = somite("transfer", run, "--domain", texts, "--steps", 8, "--sets", 2, "--workers", 1)
    assert ended.code == 0, ended.err
    assert times(run, "cells/transfer*") == before
    assert "Parts trained on letters" in ended.out
    assert "sets of its layers and size" in ended.out
    assert "Forgotten of each domain" in ended.out
    page = (run / "report.html").read_text()
    assert "Transfer to new text" in page
    assert "transfer-letters" in page


def test_seeds_have_other_batches(transferred):
    loss = read_cell(next((transferred[0] / "cells" / "transfer").iterdir())).loss
    assert loss.dims == ("seed", "step", "domain", "row")
    assert loss.domain.values.tolist() == ["letters", "code", "repeats"]
    assert np.array_equal(loss.isel(step=0, seed=0), loss.isel(step=0, seed=1))
    assert not np.array_equal(loss.isel(step=-1, seed=0), loss.isel(step=-1, seed=1))


def test_text_of_training_is_refused_and_what_is_free_is_named(somite, smoke_copy):
    ended = somite("transfer", smoke_copy, "--domain", "code")
    assert ended.code == 2
    assert "domain must be held out from training" in ended.err
    assert "Free are: drama, wiki, dialogue, legal, french, spanish" in ended.err


def test_a_run_without_modules_is_told_what_to_do(smoke_copy, texts):
    with pytest.raises(InputError, match=r"step must have modules of heads.*somite modules"):
        study_transfer(context_of(smoke_copy), str(texts), CONFIG, 1)


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ("repeats", "must be held out from training"),
        ("frnch", "Did you mean 'french'"),
    ],
)
def test_text_that_cannot_be(smoke_copy, domain, message):
    with pytest.raises(InputError, match=message):
        study_transfer(context_of(smoke_copy), domain, CONFIG, 1)
    assert listed_transfer(smoke_copy) == {}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seeds": 1}, "seeds must be a whole number of at least 2"),
        ({"steps": 4}, "steps must be a whole number of at least 8"),
        ({"rate": 0.0}, "rate must be positive"),
    ],
)
def test_settings_are_checked_first(changed, message):
    with pytest.raises(InputError, match=message):
        TransferConfig(**changed)


def test_a_damaged_list_is_named(tmp_path):
    (tmp_path / TRANSFER).write_text("{")
    with pytest.raises(InputError, match="somite transfer"):
        listed_transfer(tmp_path)
