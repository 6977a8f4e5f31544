import dataclasses
from pathlib import Path

import pytest
import torch

from somite.core import fingerprint as module
from somite.core.fingerprint import code_fingerprint, fingerprint


@dataclasses.dataclass(frozen=True)
class Cold:
    degrees: float


@dataclasses.dataclass(frozen=True)
class Warm:
    degrees: float


DIFFERENT = [
    torch.zeros(2),
    torch.zeros(3),
    torch.zeros(2, 1),
    torch.zeros(2, dtype=torch.float64),
    torch.tensor([0.0, -0.0]),
    torch.zeros(0),
    torch.tensor(0.0),
    torch.zeros(2, dtype=torch.bool),
    torch.zeros(2, dtype=torch.bfloat16),
    Cold(1.0),
    Cold(2.0),
    Warm(1.0),
    {"degrees": 1.0},
    {"degrees": 1},
    {"degrees": "1"},
    [1, 2],
    [2, 1],
    None,
    False,
    "text",
    float("nan"),
    {"a": {"b": 1}},
    {"a": {"b": 2}},
]


def test_different_things_have_different_fingerprints():
    assert len({fingerprint(value) for value in DIFFERENT}) == len(DIFFERENT)


@pytest.mark.parametrize("value", DIFFERENT, ids=str)
def test_the_same_thing_has_the_same_fingerprint(value):
    assert fingerprint(value) == fingerprint(value)
    assert len(fingerprint(value)) == 16


def test_layout_in_memory_and_order_of_keys_do_not_matter():
    matrix = torch.arange(6.0).reshape(2, 3)
    assert fingerprint(matrix.T) == fingerprint(matrix.T.contiguous())
    assert fingerprint(matrix[:, 1]) == fingerprint(matrix[:, 1].clone())
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint(torch.nn.Parameter(matrix)) == fingerprint(matrix)


def test_one_changed_bit_changes_it():
    weights = torch.ones(1000)
    before = fingerprint({"w": weights})
    weights[500] += 1e-7
    assert fingerprint({"w": weights}) != before


def test_what_has_no_canonical_form_is_refused():
    with pytest.raises(TypeError, match="set has no fingerprint; pass tensors, numbers or text"):
        fingerprint({"a": {1, 2}})


def test_code_of_inner_folders_counts(tmp_path, monkeypatch):
    inner = tmp_path / "sampling" / "kernels"
    inner.mkdir(parents=True)
    (tmp_path / "sampling" / "engine.py").write_text("x = 1")
    (inner / "sgld.py").write_text("x = 1")
    monkeypatch.setattr(module.resources, "files", lambda _: Path(tmp_path))
    before = code_fingerprint("sampling")
    (inner / "notes.txt").write_text("no code")
    assert code_fingerprint("sampling") == before
    (inner / "sgld.py").write_text("x = 2")
    assert code_fingerprint("sampling") != before


def test_code_fingerprint_of_the_package_depends_on_the_rows():
    assert code_fingerprint("core") != code_fingerprint("sampling")
    assert code_fingerprint("core", "sampling") == code_fingerprint("sampling", "core")
