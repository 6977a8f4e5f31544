"""`somite verify` prints every case, and its exit code says whether all agree."""

from dataclasses import replace

import pytest

from somite.verify import cases
from unit.verify.broken import LoudNoise

QUICK = {"chains": 2, "burn_in": 40, "draws": 600}
FIRST = replace(cases.CASES[0], settings=QUICK)


@pytest.fixture
def register(monkeypatch):
    def use(*chosen):
        monkeypatch.setattr(cases, "CASES", chosen)
        monkeypatch.setattr(cases, "SHORT", frozenset(case.name for case in chosen[:1]))

    return use


def test_cases_that_agree(somite, register):
    register(FIRST, replace(FIRST, name="second"))
    ended = somite("verify")
    assert ended.code == 0
    for words in ("truth", "estimate", "MCSE", "off by", "gaussian-sgld", "second", "SGLD"):
        assert words in ended.out
    assert ended.out.splitlines()[-1].startswith("2 of 2 cases agree with the truth")


def test_a_broken_kernel_is_exit_code_1(somite, register):
    broken = replace(FIRST, name="loud", kernel=LoudNoise(FIRST.kernel.step_size))
    register(FIRST, broken)
    ended = somite("verify")
    assert ended.code == 1
    assert "more than 4 errors" in ended.out
    assert ended.out.splitlines()[-1].startswith("1 of 2 cases agree with the truth")


def test_the_short_set_and_single_cases(somite, register):
    register(FIRST, replace(FIRST, name="second"))
    assert "1 of 1 cases" in somite("verify", "--short").out
    out = somite("verify", "--only", "second").out
    assert "1 of 1 cases" in out
    assert "second" in out


def test_an_unknown_case_is_one_line(somite):
    ended = somite("verify", "--only", "quartic-hcm")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "Did you mean 'quartic-hmc'" in ended.err
