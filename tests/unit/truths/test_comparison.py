"""The comparison goes on where it stopped, and its tables say what was measured."""

import csv
import json
from pathlib import Path

import pytest

from somite.core import processes
from somite.core.errors import InputError
from somite.truths import comparison
from somite.truths.catalogue import REDUNDANT, TRUTHS
from somite.truths.comparison import Comparison, compare, group_of, measure, read, small
from somite.truths.tables import COLUMNS, summary, write_tables

QUICK = Comparison(
    ("Gaussian blocks", "(u+v)²", "linear networks, rotated"),
    ("interaction", "curvature_alignment", "composition", "weight_paths"),
    seeds=2,
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    return folder, compare(QUICK, folder, workers=1)


class Watch:
    def __init__(self):
        self.total, self.notes = None, []

    def phase(self, name, total):
        self.total = total

    def advance(self, done, note=""):
        self.notes.append((done, note))


def test_rows_hold_what_applies(done):
    rows = {(r["truth"], r["method"], r["seed"]): r for r in done[1]}
    blocks = rows["Gaussian blocks", "interaction", 0]
    assert (blocks["auc"], blocks["ari"], blocks["group"]) == (1.0, 1.0, "planted")
    assert rows["(u+v)²", "interaction", 1]["sign_right"] is True
    rotated = rows["linear networks, rotated", "interaction", 0]
    assert rotated["matrix_shift"] > 0
    assert rotated["group"] == "control"
    assert -1 <= rotated["partition_kept"] <= 1
    assert not any(r["method"] == "weight_paths" for r in done[1])
    assert {r["method"] for r in done[1] if r["truth"] == "Gaussian blocks"} == {
        "interaction",
        "curvature_alignment",
    }


def test_what_is_there_is_not_measured_again(done, monkeypatch):
    monkeypatch.setattr(comparison, "measure", None)
    watch = Watch()
    assert compare(QUICK, done[0], 1, watch) == done[1]
    assert (watch.total, watch.notes) == (0, [])


def test_a_stop_loses_one_network_at_most(tmp_path, monkeypatch, done):
    def stop_at_the_third(folder, cell, methods):
        if cell == QUICK.cells[2]:
            raise KeyboardInterrupt
        return measure(folder, cell, methods)

    monkeypatch.setattr(comparison, "measure", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        compare(QUICK, tmp_path, 1)
    monkeypatch.undo()
    watch = Watch()
    rows = compare(QUICK, tmp_path, 1, watch)
    assert watch.total == len(QUICK.cells) - 2
    assert watch.notes[-1][0] == watch.total
    for new, old in zip(rows, done[1], strict=True):
        assert {**new, "seconds": 0} == {**old, "seconds": 0}


def test_half_written_and_outdated_cells_are_measured_again(tmp_path, done):
    cell = QUICK.cells[1]
    measure(tmp_path, cell, QUICK.methods)
    (path,) = tmp_path.iterdir()
    assert read(tmp_path, cell, QUICK.methods) is not None
    assert read(tmp_path, cell, ("interaction",)) is not None
    assert read(tmp_path, cell, (*QUICK.methods, "cka")) is None
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "identity": "other code"}))
    assert read(tmp_path, cell, QUICK.methods) is None
    path.write_text('{"identity": ')
    assert read(tmp_path, cell, QUICK.methods) is None


@pytest.mark.slow  # starts processes, which import PyTorch
def test_workers_do_not_change_the_numbers(tmp_path, done):
    rows = compare(QUICK, tmp_path, workers=2)
    assert [{**r, "seconds": 0} for r in rows] == [{**r, "seconds": 0} for r in done[1]]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"truths": ("Gausian blocks",)}, "Did you mean 'Gaussian blocks'"),
        ({"methods": ("interactoin",)}, "Did you mean 'interaction'"),
        ({"seeds": 0}, "seeds must be a whole number of at least 1, got 0"),
        ({"truths": ()}, "number of truths must be a whole number of at least 1, got 0"),
        ({"methods": ()}, "number of methods must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_names_are_refused_before_any_work(settings, words):
    with pytest.raises(InputError, match=words):
        Comparison(**settings)


def test_zero_workers_are_refused(tmp_path):
    with pytest.raises(InputError, match="workers must be a whole number of at least 1, got 0"):
        compare(QUICK, tmp_path, workers=0)


def test_a_worker_that_dies_is_named(tmp_path, monkeypatch):
    class Broken:
        _processes = None

        def __init__(self, *_, **__):
            pass

        def submit(self, *_):
            raise processes.BrokenProcessPool

        def shutdown(self, **_):
            pass

    monkeypatch.setattr(processes, "ProcessPoolExecutor", Broken)
    with pytest.raises(InputError, match="workers must stay alive, got 'one that died'"):
        compare(QUICK, tmp_path, workers=2)


def test_a_refusal_is_a_row(tmp_path, monkeypatch):
    cell = ("u²v²", 0)
    measure(tmp_path, cell, ("interaction",))
    (row,) = read(tmp_path, cell, ("interaction",))
    assert (row["weight"], row["sign_right"], "refused" in row) == (0.0, False, False)
    cell = ("planted MLP, 2 modules", 0)
    measure(tmp_path, cell, ("block_ntk",))
    (row,) = read(tmp_path, cell, ("block_ntk",))
    assert "gradient_grams must not be zero everywhere" in row["refused"]


def test_further_columns_can_be_added(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "EXTRAS", (lambda truth, method, seed: {"birth_error": 0.5},))
    measure(tmp_path, ("(u+v)²", 0), ("interaction",))
    (row,) = read(tmp_path, ("(u+v)²", 0), ("interaction",))
    assert row["birth_error"] == 0.5
    assert "birth_error" in COLUMNS


def test_every_truth_has_one_group():
    assert {group_of(name) for name in TRUTHS} == set(comparison.GROUPS)
    assert group_of("linear networks, rotated", modular=False) == "control"
    assert all(group_of(name) == "pair" for name in REDUNDANT)
    assert set(small().truths) <= set(TRUTHS)
    assert {group_of(name) for name in small().truths} == set(comparison.GROUPS)


def test_tables_are_tidy_and_compact(done, tmp_path):
    table, record = write_tables(done[1], tmp_path, {"source": "x"})
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(done[1])
    assert tuple(rows[0]) == COLUMNS
    found = json.loads(record.read_text())
    assert found["source"] == "x"
    assert found["rows"] == done[1]
    lines = len(record.read_text().splitlines())
    assert lines == len(found["rows"]) + len(found["summary"]) + 7
    assert not [path for path in Path(tmp_path).iterdir() if path.name.startswith(".partial")]


def test_summaries_are_means_over_seeds_that_gave_a_matrix():
    row = {"truth": "a", "group": "planted", "components_are": "neurons", "family": "LLC"}
    row |= {"method": "m", "seconds": 1.0}
    rows = [
        {**row, "seed": 0, "ari": 1.0, "ari_p": 0.01, "p": 0.01},
        {**row, "seed": 1, "ari": 0.5, "ari_p": 0.2, "p": 0.02},
        {**row, "seed": 2, "refused": "no edge"},
    ]
    (line,) = summary(rows)
    assert (line["seeds"], line["refused"], line["found"], line["modular"]) == (2, 1, 1, 2)
    assert (line["ari"], line["auc"], line["sign_right"]) == (0.75, None, None)
