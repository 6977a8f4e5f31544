"""Groups of heads in several views, and how well the views agree."""

from collections.abc import Mapping, Sequence

import xarray as xr

from somite.core.errors import InputError
from somite.modularity.agreement import agreement_table
from somite.modularity.clustering import canonical
from somite.modularity.curves import group_by_curves
from somite.modularity.partition import LARGEST
from somite.modularity.profiles import group_by_behavior, group_by_refined


def group_heads(
    series: xr.DataArray,
    mcse: xr.DataArray,
    seed: int,
    behavior: xr.DataArray | None = None,
    refined: xr.DataArray | None = None,
    largest: int = LARGEST,
    bootstraps: int = 100,
) -> xr.Dataset:
    """Group components by everything that is known of them, and compare the groupings.

    An `InputError` refuses unfit inputs and inputs that name different components.

    Args:
        series: n_beta times the paired loss difference of each draw; dims (step, component, chain,
            draw).
        mcse: Monte Carlo standard error; dims (step, component).
        seed: Seed of every resampling and permutation.
        behavior: Behaviour scores at one step; dims component and one other.
        refined: Data-refined series at one step; dims (domain, component, chain, draw).
        largest: Largest number of groups tried in a view.
        bootstraps: Number of resamplings in a view.

    Returns:
        As `combine_views`, with the views curves_ward, curves_kmeans and, where given, behavior and
        refined.
    """
    views = {
        f"curves_{algorithm}": group_by_curves(series, mcse, algorithm, seed, largest, bootstraps)
        for algorithm in ("ward", "kmeans")
    }
    if behavior is not None:
        views["behavior"] = group_by_behavior(behavior, seed, largest, bootstraps)
    if refined is not None:
        views["refined"] = group_by_refined(refined, seed, largest, bootstraps)
    return combine_views(views, seed)


def combine_views(
    views: Mapping[str, xr.Dataset], seed: int, layers: Sequence[object] | None = None
) -> xr.Dataset:
    """Put groupings side by side, with the agreement of every two.

    Args:
        views: Groupings from `partition` by the name of the view.
        seed: Seed of the permutations.
        layers: Layer of each component; by default `layer_types` their names.

    Returns:
        dims (view, component): label, group_stability; dims (view, candidate): candidate_stability,
        candidate_silhouette (NaN where not tried); dims view: n_groups, stability, silhouette,
        note; dims (view, view_other): ari, ami, p_value, z.

    Raises:
        InputError: If there is no view, or they name different components.
    """
    if not views:
        raise InputError("views", "must hold at least one grouping", 0, "Group by curves first.")
    names = next(iter(views.values())).component.to_numpy().tolist()
    aligned = {name: _align(name, view, names) for name, view in views.items()}
    joined = xr.concat(
        [view.drop_attrs() for view in aligned.values()],
        xr.DataArray(list(aligned), dims="view", name="view"),
        join="outer",
        coords="minimal",
        compat="override",
    ).sel(component=names)
    for key in ("n_groups", "stability", "silhouette", "note"):
        joined[key] = ("view", [view.attrs[key] for view in aligned.values()])
    strata = layer_types(names) if layers is None else layers
    labels = {name: view.label.to_numpy() for name, view in aligned.items()}
    return joined.merge(agreement_table(labels, strata, seed))


def layer_types(components: Sequence[str]) -> list[str]:
    """Layer and type of each component, read off its name "layer:type and number".

    Components without a colon, such as whole layers, are of no layer.

    Example:
        >>> layer_types(["0:1", "1:0", "1:neurons3", "7"])
        ['0:', '1:', '1:neurons', '']
    """
    return [str(name).rstrip("0123456789") for name in components]


def _align(name: str, view: xr.Dataset, components: list[str]) -> xr.Dataset:
    """The view in the given order of components, its labels numbered anew if that order differs.

    Raises:
        InputError: If it names other components.
    """
    found = view.component.to_numpy().tolist()
    if sorted(found) != sorted(components):
        differing = sorted(set(found) ^ set(components))
        remedy = "Group the same components in every view."
        raise InputError(f"views[{name!r}]", "must name the same components", differing, remedy)
    if found == components:
        return view
    ordered = view.sel(component=components)
    return ordered.assign(label=("component", canonical(ordered.label.to_numpy())))
