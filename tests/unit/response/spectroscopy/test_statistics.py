"""Numbers of a clustering, with and without clusters."""

import numpy as np
import xarray as xr

from somite.response.spectroscopy.statistics import cluster_statistics


def test_without_clusters_all_is_main_body():
    found = xr.Dataset(
        {
            "label": ("token", [-1, -1]),
            "size": ("cluster", np.array([], int)),
            "conductance": ("cluster", []),
            "coverage": 0.0,
        }
    )
    assert cluster_statistics(found).tolist() == [0, 0, 1, 1]
