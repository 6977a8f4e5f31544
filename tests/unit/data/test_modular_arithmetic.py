import pytest

from somite.core.errors import InputError
from somite.data import modular_arithmetic


def test_results_are_those_of_the_operations():
    x, results, task = modular_arithmetic(5, ["sum", "difference", "product"])
    assert x.shape == (75, 13)
    assert (x.sum(1) == 3).all()
    a, b = x[:, 3:8].argmax(1), x[:, 8:].argmax(1)
    assert (x[:, :3].argmax(1) == task).all()
    for i, expected in enumerate((a + b, a - b, a * b)):
        assert (results[task == i] == expected[task == i] % 5).all()
    pairs = {(int(t), int(p), int(q)) for t, p, q in zip(task, a, b, strict=True)}
    assert len(pairs) == 75


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: modular_arithmetic(1), "modulus must be a whole number of at least 2"),
        (lambda: modular_arithmetic(3, []), "operations must name at least one"),
        (lambda: modular_arithmetic(3, ["ratio"]), "operations must be a known name, got 'ratio'"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
