"""What every job of a study needs to find: recipe, corpus, checkpoints, and how to load them."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from somite.core.random import stream_seed
from somite.data.batches import sample_rows
from somite.data.config import MIXTURE
from somite.data.corpus import Corpus, load_corpus
from somite.data.ngrams import NgramCounts, corpus_ngrams
from somite.models.transformer import Transformer
from somite.study.recipe import Recipe
from somite.training.checkpoints import CheckpointSeries


@dataclass(frozen=True)
class Context:
    """Where a study's things are.

    Args:
        run: Folder of the run.
        recipe: What is done.
        corpus_folder: Where the corpus is.
        series_folder: Where the checkpoints are.
        device: Where models run.
    """

    run: Path
    recipe: Recipe
    corpus_folder: Path
    series_folder: Path
    device: str = "cpu"

    @property
    def corpus(self) -> Corpus:
        """The corpus, loaded once per process."""
        return _corpus(self.corpus_folder)

    @property
    def series(self) -> CheckpointSeries:
        """The checkpoints."""
        return CheckpointSeries(self.series_folder)

    @property
    def ngrams(self) -> NgramCounts:
        """Statistics of the corpus, counted once per process."""
        return _ngrams(self.corpus_folder)

    def new_model(self) -> Transformer:
        """The transformer of the recipe at its initial weights."""
        return initial_model(self.recipe)

    def model(self, step: int) -> Transformer:
        """The transformer at a checkpoint, on the device."""
        model = self.new_model()
        model.load_state_dict(self.series.weights(step))
        return model.to(self.device)

    def rows(self, domain: str, n: int, split: str, seed: int) -> Tensor:
        """Rows of a domain, or of the mixture, as many of the n as there are."""
        if domain == MIXTURE:
            return sample_rows(self.corpus, n, split, seed)
        available = len(self.corpus.tokens[domain][split])
        return sample_rows(self.corpus, min(n, available), split, seed, domain)


def initial_model(recipe: Recipe) -> Transformer:
    """The transformer of a recipe at its initial weights."""
    config = recipe.model.transformer(recipe.data.vocab_size, recipe.data.context)
    with torch.random.fork_rng(devices=[]):  # the caller's random state stays as it was
        torch.random.manual_seed(stream_seed(recipe.training.seed, "initial weights"))
        model = Transformer(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(recipe.training.initial_scale)
    return model


@lru_cache(maxsize=2)
def _corpus(folder: Path) -> Corpus:
    return load_corpus(folder)


@lru_cache(maxsize=2)
def _ngrams(folder: Path) -> NgramCounts:
    return corpus_ngrams(_corpus(folder))
