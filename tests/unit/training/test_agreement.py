import pytest

from somite.core.errors import InputError
from somite.training.agreement import read_config, same_configs, same_shapes

SHAPES = {"a": (2,), "b": (3,)}


def test_alike_is_fine():
    same_shapes({})
    same_configs({})
    same_shapes({0: SHAPES, 8: dict(SHAPES)})
    same_configs({0: {"n": 1, "dtype": "float16"}, 8: {"n": 1, "_name_or_path": "x"}})


def test_names_the_step_and_the_first_difference_of_shapes():
    words = r"of the model of step 0, got 'step 8: shape of b \(4,\) in place of \(3,\)'"
    with pytest.raises(InputError, match=words):
        same_shapes({0: SHAPES, 4: SHAPES, 8: {"a": (2,), "b": (4,)}})


def test_names_the_step_and_the_first_difference_of_configurations():
    words = r"config.json of step 1, got 'step 8: hidden_size 6 in place of 4'"
    with pytest.raises(InputError, match=words):
        same_configs({8: {"hidden_size": 6, "x": 1}, 1: {"hidden_size": 4, "x": 2}})
    with pytest.raises(InputError, match="step 2: x None in place of 1"):
        same_configs({1: {"x": 1}, 2: {}})


@pytest.mark.parametrize("content", ["", "[1]", "nonsense", None])
def test_a_configuration_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"config.json must be readable, got '.*config.json'"):
        read_config(path)
