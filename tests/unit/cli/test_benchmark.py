"""`somite benchmark modularity` writes a table and a figure, and refuses bad names."""

import csv
import json
from pathlib import Path

FEW = ("--truths", "Gaussian blocks", "--methods", "interaction", "--seeds", 1, "--workers", 1)


def test_a_table_and_a_figure_are_written(somite):
    ended = somite("benchmark", "modularity", *FEW, "--out", "found")
    assert ended.code == 0, ended.err
    assert "Gaussian blocks" in ended.out
    assert "comparison.html" in ended.out
    (row,) = csv.DictReader(Path("found/comparison.csv").read_text(encoding="utf-8").splitlines())
    assert (row["method"], row["ari"]) == ("interaction", "1.0")
    page = Path("found/comparison.html").read_text(encoding="utf-8")
    assert "Which method finds modules that are known?" in page


def test_json_is_all_that_is_printed(somite):
    ended = somite("benchmark", "modularity", *FEW, "--json")
    (line,) = json.loads(ended.out)
    assert (line["truth"], line["ari"], line["seeds"]) == ("Gaussian blocks", 1.0, 1)
    assert Path("runs/comparison/comparison.json").is_file()


def test_bad_names_are_exit_code_2_and_nothing_is_written(somite):
    ended = somite("benchmark", "modularity", "--truths", "Gausian blocks")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "Did you mean 'Gaussian blocks'" in ended.err
    ended = somite("benchmark", "modularity", "--methods", "ckka", "--small")
    assert "Did you mean 'cka'" in ended.err
    assert somite("benchmark", "modularity", "--seeds", 0).code == 2
    assert not list(Path().iterdir())
