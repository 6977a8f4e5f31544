"""An observable of every component, and losses that it is paired with, a piece at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.estimators.joint import require_components
from somite.estimators.series import good_chains, reference
from somite.response.blocks import Array, Blocks
from somite.sampling.draws import REFERENCE

SERIES = ("component", "chain", "probe_draw")
NUMBERS = 2**24
"""Most numbers of losses in memory at one time."""
OF_DRAWS = "Pass what `somite.recorded` gives of the same run."


class Source:
    """Block means of an observable φ, of losses ΔL = L_i − L, and of their products.

    L is the mean loss on the reference probe, which is fixed: no minibatch enters φ or ΔL, so that
    no noise of one is common to both.

    Args:
        draws: From `somite.sample` with the probe named reference.
        losses: (component, chain, probe_draw, item, …) or what `somite.recorded` gives; those of
            all other probes of the draws if left out.
        observable: φ (component, chain, probe_draw); L if left out.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component.
        null: Whether to pair φ with the losses of the next chain.

    Raises:
        InputError: If what is given does not fit together, or the observable is constant.
    """

    def __init__(
        self,
        draws: xr.Dataset,
        losses: xr.Dataset | xr.DataArray | None = None,
        observable: xr.DataArray | None = None,
        on_failure: str = "raise",
        null: bool = False,
    ) -> None:
        """Check, and take the means of the observable."""
        check_reference(draws)
        self.components = [str(name) for name in draws.component.values]
        self._losses = other_probes(draws) if losses is None else losses
        self._fit(draws, observable)
        parts = [draws.sel(component=name) for name in self.components]
        good = np.all([good_chains(part, on_failure) for part in parts], axis=0)
        at_least("number of good chains", int(good.sum()), 1, "Mend the sampler settings.")
        self.good, self.chains_failed = np.flatnonzero(good), int((~good).sum())
        self._mean = reference(draws.transpose("probe", *SERIES, ...))[:, good]
        self.draws = self._mean.shape[-1]
        chosen = self._mean if observable is None else observable.transpose(*SERIES).values[:, good]
        self._check_observable(chosen)
        self._observable = np.roll(chosen, 1, axis=1) if null else chosen
        self.blocks = Blocks(self.draws, self._length(null, observable))

    @property
    def share(self) -> Array:
        """Share of the draws in every block."""
        return self.blocks.share

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes of the items."""
        return tuple(str(name) for name in self._first.dims[3:])

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of items along their axes."""
        return self._first.shape[3:]

    @property
    def coords(self) -> dict[str, Any]:
        """Coordinates of the items."""
        return {name: self._first[name].values for name in self.dims if name in self._first.coords}

    def observable(self, component: int) -> Array:
        """φ (chain, block)."""
        return self.blocks.means(self._observable[component])

    def pieces(self, components: int = 1) -> Iterator[slice]:
        """Parts of the first axis of the items that fit into memory, of so many components."""
        inner = int(np.prod(self.shape[1:], dtype=np.int64))
        one = len(self.good) * self._first.shape[2] * inner * components
        step = max(1, NUMBERS // max(1, one))
        for start in range(0, self.shape[0], step):
            yield slice(start, min(start + step, self.shape[0]))

    def means(self, component: int, items: slice) -> tuple[Array, Array]:
        """ΔL and φ·ΔL (chain, block, item) of some items, flattened."""
        reference, observable = self._mean[component], self._observable[component]
        level = self.blocks.means(reference)[..., None]
        square = self.blocks.means(observable * reference)[..., None]
        if isinstance(self._losses, xr.Dataset) and "product" in self._losses:
            names = ("mean", "product")
            mean, product = (self._read(self._losses[n], component, items) for n in names)
        else:
            losses = self._read(self._first, component, items)
            mean = self.blocks.means(losses)
            product = self.blocks.means(losses * observable[..., None])
        return mean - level, product - square

    @property
    def _first(self) -> xr.DataArray:
        if isinstance(self._losses, xr.DataArray):
            return self._losses
        return self._losses["loss" if "loss" in self._losses else "mean"]

    def _read(self, values: xr.DataArray, component: int, items: slice) -> Array:
        part = values[component, :, :, items].values[self.good].astype(np.float64)
        found = part.reshape(*part.shape[:2], -1)
        if not np.isfinite(found).all():
            rule = "must be finite in every chain that did not fail"
            remedy = 'Record with precision="float32".'
            raise InputError("losses", rule, "NaN or infinite losses", remedy)
        return found

    def _length(self, null: bool, observable: xr.DataArray | None) -> int:
        """Draws of a block: those of the record if it holds block means.

        Raises:
            InputError: If those do not serve.
        """
        if not (isinstance(self._losses, xr.Dataset) and "product" in self._losses):
            return Blocks.of(self.draws).length
        if null or observable is not None:
            rule = "must hold draws for a null or another observable"
            remedy = 'Record with keep="draws".'
            raise InputError("losses", rule, "covariances with the reference loss", remedy)
        return int(self._losses.attrs["length"])

    def _fit(self, draws: xr.Dataset, observable: xr.DataArray | None) -> None:
        kept = isinstance(self._losses, xr.Dataset) and "product" in self._losses
        axis = "block" if kept else "probe_draw"
        first = self._first
        if tuple(first.dims[:3]) != (*SERIES[:2], axis) or first.ndim < 4:
            rule = f"must have the dims component, chain, {axis} and those of the items"
            raise InputError("losses", rule, first.dims, OF_DRAWS)
        given = {"losses": (first, SERIES[: 2 if kept else 3])}
        if observable is not None:
            given["observable"] = (observable, SERIES)
        for name, (values, dims) in given.items():
            for dim in dims:
                if dim not in values.dims or values.sizes[dim] != draws.sizes[dim]:
                    rule = f"must have the {draws.sizes[dim]} values of {dim} of the draws"
                    raise InputError(name, rule, dict(values.sizes), OF_DRAWS)
            if list(map(str, values.component.values)) != self.components:
                rule = "must be of the components of the draws"
                raise InputError(name, rule, values.component.values.tolist(), OF_DRAWS)

    def _check_observable(self, values: Array) -> None:
        for name, series in zip(self.components, values, strict=True):
            if not np.isfinite(series).all():
                rule, remedy = "must be finite", "Choose a component that it depends on."
                raise InputError(f"observable of component {name}", rule, "NaN", remedy)
            if np.ptp(series) == 0 and series.size > 1:
                remedy = "Choose one that the component enters, or a longer step."
                rule = "must vary between draws"
                raise InputError(
                    f"observable of component {name}", rule, float(series.flat[0]), remedy
                )


def check_reference(draws: xr.Dataset) -> None:
    """Require the probe named reference.

    Raises:
        InputError: If it was not recorded.
    """
    if REFERENCE not in draws.probe.values:
        remedy = 'Sample with probes={"reference": data, …}.'
        raise InputError(
            "draws", "must hold the probe named reference", draws.probe.values.tolist(), remedy
        )


def other_probes(draws: xr.Dataset) -> xr.DataArray:
    """Mean losses of all probes but reference and observables (component, chain, …, probe).

    Raises:
        InputError: If there is none.
    """
    left_out = {REFERENCE, *draws.attrs.get("observables", [])}
    names = [name for name in draws.probe.values if name not in left_out]
    if not names:
        rule, remedy = "must hold a probe beside the reference", "Sample with more probes."
        raise InputError("draws", rule, draws.probe.values.tolist(), remedy)
    found: xr.DataArray = draws.probe_loss.sel(probe=names)
    return found.transpose(*SERIES, "probe")


def require_full(components: list[str], full: str, draws: xr.Dataset) -> int:
    """Place of the component in which all weights move.

    Raises:
        InputError: If it is not there.
    """
    require_components(draws, [full], 'Add so.components(model, "full").')
    return components.index(full)
