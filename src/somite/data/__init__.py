"""Text of several domains as rows of tokens, what its n-grams say, and small tasks."""

from somite.data.batches import sample_rows, training_batch, training_shares
from somite.data.build import build_corpus
from somite.data.collect import collect
from somite.data.config import REPEATS, DataConfig
from somite.data.corpus import Corpus, DomainSize, load_corpus
from somite.data.digit_pairs import digit_pairs
from somite.data.domains import domain_documents
from somite.data.double_addition import double_addition
from somite.data.fetch import FetchError, cache_folder
from somite.data.listing import PRETRAINED, domain_table, fetch_domains, fetch_models, model_table
from somite.data.markov import markov_rows, markov_table
from somite.data.mnist import mnist_digits, mnist_network
from somite.data.modular_arithmetic import modular_arithmetic
from somite.data.ngrams import NgramCounts, corpus_ngrams, count_ngrams
from somite.data.planted_inputs import correlated_inputs, mirrored_inputs
from somite.data.repeats import repeated_rows
from somite.data.role_rows import role_rows
from somite.data.sources import DOMAINS, TEXT_DOMAINS
from somite.data.sparse_parity import ParityTasks
from somite.data.token_rows import token_rows
from somite.data.tokenizer import Tokenizer, train_tokenizer
from somite.data.weighted import mixed_shares, row_weights, weighted_batch

__all__ = [
    "DOMAINS",
    "PRETRAINED",
    "REPEATS",
    "TEXT_DOMAINS",
    "Corpus",
    "DataConfig",
    "DomainSize",
    "FetchError",
    "NgramCounts",
    "ParityTasks",
    "Tokenizer",
    "build_corpus",
    "cache_folder",
    "collect",
    "corpus_ngrams",
    "correlated_inputs",
    "count_ngrams",
    "digit_pairs",
    "domain_documents",
    "domain_table",
    "double_addition",
    "fetch_domains",
    "fetch_models",
    "load_corpus",
    "markov_rows",
    "markov_table",
    "mirrored_inputs",
    "mixed_shares",
    "mnist_digits",
    "mnist_network",
    "model_table",
    "modular_arithmetic",
    "repeated_rows",
    "role_rows",
    "row_weights",
    "sample_rows",
    "token_rows",
    "train_tokenizer",
    "training_batch",
    "training_shares",
    "weighted_batch",
]
