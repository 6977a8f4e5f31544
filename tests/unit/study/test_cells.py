import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.study import cells
from somite.study.cells import Cell, contents, differing_fields, read_cell, sweep_partial


def data():
    rng = np.random.default_rng(0)
    return xr.Dataset(
        {
            "loss": (("component", "draw"), rng.normal(size=(3, 50))),
            "small": ("draw", rng.normal(size=50).astype(np.float32)),
            "failed_at": ("component", np.array([-1, 3, -1])),
            "good": ("component", np.array([True, False, True])),
            "status": ("component", np.array(["converged", "diverged at step 3 – …", ""])),
            "none": ("nothing", np.empty(0)),
            "gap": ("component", np.array([np.nan, 1.0, -np.inf])),
            "scalar": ((), 0.1),
        },
        coords={"component": np.array(["0:0", "0:1", "1:0"])},
        attrs={"n_beta": 30.0, "kernel": "SGLD"},
    )


def cell(**identity):
    return Cell("sampling", "step-00000010", {"seed": 0, "settings": {"rows": 8}, **identity})


def chunk(run):
    return next(path for path in cell().path(run).glob("loss/c/**/*") if path.is_file())


def test_reads_what_it_wrote(tmp_path):
    cell().write(tmp_path, data())
    found = cell().read(tmp_path)
    xr.testing.assert_identical(found.drop_attrs(), data().drop_attrs())
    assert found.attrs["n_beta"] == 30.0
    assert found.loss.values.tobytes() == data().loss.values.tobytes()


def test_exists_only_when_whole(tmp_path, monkeypatch):
    assert not cell().exists(tmp_path)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        # Zarr's own threads use os.replace too and would wait for ever; only ours is to fail.
        patch.setattr(cells, "os", SimpleNamespace(replace=killed))
        with pytest.raises(KeyboardInterrupt):
            cell().write(tmp_path, data())
    assert not cell().exists(tmp_path)
    assert list(tmp_path.rglob(".partial-*"))
    sweep_partial(tmp_path)
    assert not list(tmp_path.rglob(".partial-*"))
    cell().write(tmp_path, data())
    assert cell().exists(tmp_path)


def test_a_stored_cell_is_never_overwritten(tmp_path):
    cell().write(tmp_path, data())
    cell().write(tmp_path, data().assign(scalar=0.2))
    assert float(cell().read(tmp_path).scalar) == 0.1
    assert not list(tmp_path.rglob(".partial-*"))


def test_another_identity_is_another_folder(tmp_path):
    cell().write(tmp_path, data())
    assert not cell(seed=1).exists(tmp_path)
    assert not cell(new_field=None).exists(tmp_path)
    assert not Cell("refined", cell().place, cell().identity).exists(tmp_path)
    assert cell(seed=0).exists(tmp_path)


def test_the_order_of_fields_does_not_matter():
    turned = dict(reversed(cell().identity.items()))
    assert Cell("sampling", cell().place, turned).key == cell().key


def test_differing_names_the_fields_of_the_nearest_cell(tmp_path):
    assert cell().differing(tmp_path) == []
    cell(seed=1, code="x").write(tmp_path, data())
    cell(settings={"rows": 9}).write(tmp_path, data())
    assert cell().differing(tmp_path) == ["settings.rows: 9 -> 8"]


def test_differing_passes_over_damaged_cells_and_other_places(tmp_path):
    cell(seed=1).write(tmp_path, data())
    (cell(seed=1).path(tmp_path) / "zarr.json").write_text("{")
    Cell("sampling", "step-00000010-wiki", {"seed": 5}).write(tmp_path, data())
    assert cell().differing(tmp_path) == []


def test_differing_fields_of_nested_identities():
    stored = {"a": {"b": 1, "c": 2}, "gone": 1}
    wanted = {"a": {"b": 1, "c": 3}, "new": 2}
    lines = ["a.c: 2 -> 3", "gone: 1 -> None", "new: None -> 2"]
    assert differing_fields(stored, wanted) == lines


def cut(path):
    path.write_bytes(path.read_bytes()[:-5])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 8
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [cut, flip, os.unlink, lambda path: path.write_bytes(b"")])
def test_a_damaged_chunk_is_refused(tmp_path, damage):
    cell().write(tmp_path, data())
    damage(chunk(tmp_path))
    with pytest.raises(InputError, match=r"stored cell must .*Remove that folder and run"):
        cell().read(tmp_path)


@pytest.mark.parametrize("name", ["zarr.json", "loss/zarr.json"])
def test_lost_metadata_is_refused(tmp_path, name):
    cell().write(tmp_path, data())
    (cell().path(tmp_path) / name).unlink()
    with pytest.raises(InputError, match="stored cell must"):
        cell().read(tmp_path)


def test_a_lost_array_is_refused(tmp_path):
    cell().write(tmp_path, data())
    shutil.rmtree(cell().path(tmp_path) / "status")
    with pytest.raises(InputError, match="stored cell must hold what was written"):
        cell().read(tmp_path)


def test_a_cell_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"stored cell must be readable, got '.*none'"):
        read_cell(tmp_path / "none")


def test_contents_depend_on_every_value():
    same = contents(data())
    assert same == contents(data())
    assert same != contents(data().assign(scalar=0.2))
    assert same != contents(data().assign_coords(component=["a", "b", "c"]))
    assert same != contents(data().drop_vars("status"))
    assert same != contents(data().rename(loss="lost"))
