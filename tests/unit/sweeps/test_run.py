import json
import shutil
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from somite.consequences import critical_levels, damage
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import MLP, squared_error_loss
from somite.sweeps import SweepDesign, language, load_table, parity, sweep
from somite.sweeps.run import models_of
from somite.sweeps.spoiled import spoiled
from somite.sweeps.table import MODEL, TABLE, described

BASE = {"tasks": 2, "size": 2, "hidden": 8, "steps": 60, "batch_size": 32, "checkpoints": 3}


def small(**changes):
    settings = {"factors": {"locality": (0.0, 0.1)}, "seeds": (0, 1), "base": BASE} | changes
    return SweepDesign("parity", **settings)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    return out, sweep(small(), out, workers=2)


class Told:
    """Keeps what is said."""

    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)

    def phase(self, name, total):
        self.said.append(f"{name} {total}")

    def advance(self, done, note=""):
        pass


def test_the_table_has_a_row_for_every_checkpoint(made):
    out, table = made
    assert len(table) == 2 * 2 * 3
    assert table.columns[:4].tolist() == ["model", "seed", "locality", "step"]
    pd.testing.assert_frame_equal(load_table(out), table, check_dtype=False)
    assert described(out) == ("A sweep of parity", ["locality"])
    assert load_table(out).set_index(["model", "seed", "step"]).to_xarray().sizes["seed"] == 2


def test_a_sweep_that_was_stopped_ends_with_the_same_table(made, tmp_path):
    out, table = made
    there = tmp_path / "copy"
    shutil.copytree(out, there)
    (there / TABLE).unlink()
    lost = models_of(small())[1].folder(there, small())
    shutil.rmtree(lost)
    watch = Told()
    again = sweep(small(), there, workers=1, watch=watch)
    assert watch.said[0] == "3 of 4 models are there already"
    assert watch.said[1].startswith("models to make: 1, about")
    assert lost.is_dir()
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), table.drop(columns="seconds"))


def test_on_another_engine_only_the_rows_come_back(made, tmp_path):
    class Elsewhere:
        """Calls in folders of its own, as nodes of a cluster do."""

        workers = 1

        @contextmanager
        def start(self, workers, device):
            yield self

        def calls(self, function, places):
            for folder, own in places.items():
                yield folder, function(tmp_path / "node" / folder.name, *own)

    out = tmp_path / "out"
    table = sweep(small(), out, engine=Elsewhere())
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), made[1].drop(columns="seconds"))
    assert {path.name for path in out.glob("models/*/*")} == {MODEL}


def test_a_tolerance_adds_columns_at_the_last_checkpoint_and_changes_nothing_else():
    config, subject = BASE | {"steps": 20}, parity.Parity()
    plain = subject.measure("", config, 0, None)
    rows = subject.measure("", config, 0, None, tolerance=0.02)
    assert 1 <= rows[-1].pop("critical_bits") <= 8
    assert rows[-1].pop("damage_noise") > 0
    assert json.dumps(rows) == json.dumps(plain)
    folders = {models_of(small())[0].folder(Path(), small(tolerance=t)) for t in (0.0, 0.02)}
    assert len(folders) == 2


def test_bits_are_those_of_damage_by_hand():
    x = torch.randn(16, 3, generator=stream("spoiled"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MLP([3, 6, 1], "tanh")
    data = (x, model(x).detach())  # no loss at all before
    found = spoiled(model, squared_error_loss, data, 0.01)
    whole = critical_levels(damage(model, squared_error_loss, data), 0.01)
    assert found["critical_bits"] == pytest.approx(whole.quantization.item())
    assert spoiled(model, squared_error_loss, data, 1e-3)["critical_bits"] > found["critical_bits"]
    assert spoiled(model, squared_error_loss, data, 0.0) == {}


def test_a_model_without_its_text_fails(monkeypatch, tmp_path):
    left_out = SimpleNamespace(corpus=SimpleNamespace(left_out={"wiki": "no network"}))
    monkeypatch.setattr(language, "train_study", lambda recipe, folder: left_out)
    with pytest.raises(InputError, match=r"domain wiki must be there.*no network.*the same text"):
        language.Language().measure("smoke", {}, 0, tmp_path)


def test_a_model_that_fails_is_listed_and_the_others_are_made(tmp_path):
    base = {k: v for k, v in BASE.items() if k != "steps"} | {"steps": 20}
    design = small(factors={"learning_rate": (0.01, 1e30)}, base=base)
    table = sweep(design, tmp_path, workers=1)
    failed = table[table.failed != ""]
    assert failed.model.tolist() == [1, 1]
    assert (failed.step == -1).all()
    assert (table[table.failed == ""].model == 0).all()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="must be new, empty or a run"):
        sweep(small(), tmp_path, workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_folder_without_a_table_is_named(tmp_path):
    with pytest.raises(InputError, match="must be a folder of somite sweep"):
        load_table(tmp_path)


def test_every_model_has_its_own_folder(made):
    out, _ = made
    design = small()
    folders = {m.folder(out, design) for m in models_of(design)}
    assert len(folders) == 4
    held = [json.loads((folder / MODEL).read_text()) for folder in folders]
    assert all(one["seconds"] > 0 for one in held)
