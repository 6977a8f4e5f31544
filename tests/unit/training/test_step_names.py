import pytest

from somite.core.errors import InputError
from somite.training.step_names import find_pattern, named_steps

LIGHTNING = ["epoch=0-step=9.ckpt", "epoch=1-step=18.ckpt", "last.ckpt"]


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["main", "step0", "step512", "step1000"], "step{step}"),
        (["step-0003", "step-0010"], "step-{step}"),
        (["checkpoint-500", "checkpoint-1000", "runs"], "checkpoint-{step}"),
        (["pythia14m-seed3-step1.pt", "pythia14m-seed3-step2.pt"], "pythia14m-seed3-step{step}.pt"),
        (LIGHTNING, "epoch=*-step={step}.ckpt"),
        (["epoch=0-step=9.ckpt"], "epoch=0-step={step}.ckpt"),
        (["v1.0", "step5", "step6"], "step{step}"),
        (["v1.0", "v2.0", "step5", "step6"], "step{step}"),
        (["model_7.pt"], "model_{step}.pt"),
    ],
)
def test_finds_the_number_that_varies(names, pattern):
    assert find_pattern(names) == pattern


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "names must carry step numbers, got 'no names'"),
        (["last.pt", "best.pt"], "names must carry step numbers, got 'last.pt, best.pt'"),
        (["a1b2", "a3b4", "a5b5", "x"], r"must show which number is the step, got 'a1b2, a3b4"),
        (["a1", "a2", "b1", "b2"], r"must show which number is the step.*and 1 more"),
    ],
)
def test_says_when_it_cannot(names, words):
    with pytest.raises(InputError, match=words):
        find_pattern(names)


def test_steps_are_numbers_and_sorted_as_such():
    assert list(named_steps(["step1000", "step0", "step512"])) == [0, 512, 1000]
    assert named_steps(["s-008", "s-010"]) == {8: "s-008", 10: "s-010"}


def test_a_pattern_chooses():
    assert named_steps(LIGHTNING, "epoch={step}-*.ckpt") == {0: LIGHTNING[0], 1: LIGHTNING[1]}
    assert named_steps(["a/b3", "b3"], "*b{step}") == {3: "b3"}
    assert named_steps(["a.b3", "axb4"], "a.b{step}") == {3: "a.b3"}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("checkpoint", r"pattern must hold \{step\} once, got 'checkpoint'"),
        ("{step}-{step}", r"pattern must hold \{step\} once"),
        ("x{step}", r"names must fit the pattern 'x\{step\}', got 'step-1, step-2'"),
    ],
)
def test_refuses_patterns(pattern, words):
    with pytest.raises(InputError, match=words):
        named_steps(["step-1", "step-2"], pattern)


def test_refuses_a_step_that_comes_twice():
    with pytest.raises(InputError, match=r"twice, got \"step 1 in 'step-01' and 'step-1'\""):
        named_steps(["step-1", "step-01", "step-2"])
