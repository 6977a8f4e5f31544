"""Text of several domains, as rows of tokens, and what its n-grams say."""

from somite.data.batches import sample_rows, training_batch
from somite.data.build import build_corpus
from somite.data.config import REPEATS, DataConfig
from somite.data.corpus import Corpus, DomainSize, load_corpus
from somite.data.fetch import FetchError, cache_folder
from somite.data.listing import domain_table, fetch_domains
from somite.data.ngrams import NgramCounts, corpus_ngrams, count_ngrams
from somite.data.repeats import repeated_rows
from somite.data.sources import DOMAINS
from somite.data.tokenizer import Tokenizer, train_tokenizer

__all__ = [
    "DOMAINS",
    "REPEATS",
    "Corpus",
    "DataConfig",
    "DomainSize",
    "FetchError",
    "NgramCounts",
    "Tokenizer",
    "build_corpus",
    "cache_folder",
    "corpus_ngrams",
    "count_ngrams",
    "domain_table",
    "fetch_domains",
    "load_corpus",
    "repeated_rows",
    "sample_rows",
    "train_tokenizer",
    "training_batch",
]
