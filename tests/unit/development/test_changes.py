import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.development.changes import stage_changes

STEPS = np.array([0, 9, 99, 999])
STAGES = xr.Dataset({"position": ("boundary", [9.0, np.expm1(np.log(10) * 1.5)])}).assign_attrs(
    first_step=0.0, last_step=999.0
)


def curve(values: list[float], steps: np.ndarray = STEPS) -> xr.DataArray:
    return xr.DataArray(values, {"step": steps}, ("step",))


def test_changes_are_read_on_the_log_step_axis() -> None:
    found = stage_changes(STAGES, {"loss": curve([5.0, 4.0, 2.0, 1.0])}).isel(curve=0)
    assert found.before.values == pytest.approx([5.0, 4.0, 3.0])
    assert found.after.values == pytest.approx([4.0, 3.0, 1.0])
    assert found.change.values == pytest.approx([-1.0, -1.0, -2.0])
    assert found.share.values == pytest.approx([-0.25, -0.25, -0.5])
    assert found.first_step.values == pytest.approx([0, 9, STAGES.position[1].item()])
    assert found.quantity.item() == "loss"
    assert found.component.item() == ""


def test_each_component_has_its_own_change_and_the_share_is_of_the_common_range() -> None:
    scores = xr.DataArray(
        [[0.0, 0.0, 0.8, 1.0], [0.1, 0.1, 0.1, 0.1]],
        {"component": ["1:3", "1:4"], "step": STEPS},
        ("component", "step"),
    )
    found = stage_changes(STAGES, {"induction": scores, "loss": curve([1.0, 1.0, 1.0, 1.0])})
    table = found.to_dataframe().reset_index()
    row = table[(table.component == "1:3") & (table.stage == 1)].iloc[0]
    assert (row.before, row.after) == pytest.approx((0.0, 0.4))
    assert row.share == pytest.approx(0.4)
    assert not table[table.quantity == "loss"].share.any()


def test_no_boundary_is_one_stage() -> None:
    whole = STAGES.isel(boundary=slice(0))
    found = stage_changes(whole, {"loss": curve([5.0, 4.0, 2.0, 1.0])})
    assert found.change.values.tolist() == [[-4.0]]


@pytest.mark.parametrize(
    ("curves", "words"),
    [
        ({}, "must hold at least one curve"),
        ({"loss": curve([1, 2, 3, 4]).rename(step="time")}, r"curves\['loss'\] must have the dims"),
        ({"loss": curve([1, np.nan, 3, 4])}, "must be finite, got '1 NaN"),
        ({"loss": curve([1, 2], STEPS[:2])}, "must cover the steps 0 to 999, got '0 to 9'"),
        ({"loss": curve([1, 2, 3], STEPS[1:])}, "must cover the steps 0 to 999"),
        ({"loss": curve([1, 2, 3, 4]).drop_vars("step")}, "must have the coordinate step"),
    ],
)
def test_unfit_curves_are_refused(curves, words) -> None:
    with pytest.raises(InputError, match=words):
        stage_changes(STAGES, curves)
