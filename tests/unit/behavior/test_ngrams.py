import pytest
import torch

from somite.behavior.ablation import mean_ablation_changes
from somite.behavior.ngram_reliance import ngram_reliance
from somite.behavior.ngram_scores import ngram_scores
from somite.core.errors import InputError
from somite.models.transformer import Transformer, TransformerConfig
from unit.behavior.circuits import TableOfNgrams, drawn_model, drawn_rows, drawn_table


def bigram_model(table):
    """A model without attention whose logits are the table's log-probabilities."""
    vocab = len(table)
    config = TransformerConfig(
        vocab, context=12, n_layers=1, d_model=vocab, n_heads=1, d_head=2, norm="rms"
    )
    model = Transformer(config).double()
    model.embed.data.copy_(torch.eye(vocab))
    model.block(0).attn.W_O.data.zero_()
    model.unembed.data.copy_(table.log() * vocab**-0.5)  # RMSNorm makes one-hots √vocab long
    return model


def test_a_model_that_puts_out_the_statistics_diverges_by_nothing():
    table = drawn_table(2)
    scores = ngram_scores(bigram_model(table), drawn_rows(), TableOfNgrams(table))
    for order in ("bigram", "trigram"):
        assert scores[f"{order}_kl"].item() == pytest.approx(0, abs=1e-12)
        assert scores[f"{order}_kl_standard_error"].item() == pytest.approx(0, abs=1e-12)
        assert scores[f"{order}_cross_entropy"].item() > 0


def test_scores_follow_their_definitions():
    model, rows = drawn_model(), drawn_rows()
    bigram, trigram = drawn_table(2), drawn_table(3)
    scores = ngram_scores(model, rows, TableOfNgrams(bigram, trigram))
    predicted = model(rows).log_softmax(-1)
    sums = dict.fromkeys(["bigram_kl", "trigram_kl", "bigram_ce", "trigram_ce"], 0.0)
    for row in range(6):
        for t in range(1, 12):
            before, previous = rows[row, t - 1], rows[row, t]
            for order, p in (("bigram", bigram[previous]), ("trigram", trigram[before, previous])):
                sums[f"{order}_kl"] += (p * (p.log() - predicted[row, t])).sum().item() / 66
                sums[f"{order}_ce"] -= (p * predicted[row, t]).sum().item() / 66
    for order in ("bigram", "trigram"):
        assert scores[f"{order}_kl"].item() == pytest.approx(sums[f"{order}_kl"], abs=1e-12)
        cross_entropy = scores[f"{order}_cross_entropy"].item()
        assert cross_entropy == pytest.approx(sums[f"{order}_ce"], abs=1e-12)
        assert scores[f"{order}_kl_standard_error"].item() > 0


def test_probabilities_of_zero_are_allowed():
    certain = torch.eye(7, dtype=torch.float64)
    scores = ngram_scores(drawn_model(), drawn_rows(), TableOfNgrams(certain))
    assert scores["bigram_kl"].item() == pytest.approx(scores["bigram_cross_entropy"].item())


def test_statistics_of_another_vocabulary_are_refused():
    counts = TableOfNgrams(drawn_table(2, vocab_size=8))
    with pytest.raises(
        InputError, match="counts must have the model's vocabulary of 7 tokens, got 8"
    ):
        ngram_scores(drawn_model(), drawn_rows(), counts)


def test_reliance_is_the_difference_of_two_means():
    model, rows, trigram = drawn_model(), drawn_rows(), drawn_table(3)
    found = ngram_reliance(model, rows, TableOfNgrams(drawn_table(2), trigram), threshold=0.2)
    changes = mean_ablation_changes(model, rows)
    kinds = {True: [], False: []}
    for row in range(6):
        for t in range(2, 12):
            known = trigram[rows[row, t - 2], rows[row, t - 1], rows[row, t]] >= 0.2
            kinds[bool(known)].append(changes[:, row, t - 1])
    known, other = (torch.stack(kinds[kind]).mean(0) for kind in (True, False))
    assert found["loss_change_predictable"].values == pytest.approx(known.numpy(), abs=1e-12)
    assert found["loss_change_other"].values == pytest.approx(other.numpy(), abs=1e-12)
    assert found["ngram_reliance"].values == pytest.approx((known - other).numpy(), abs=1e-12)
    assert (found["ngram_reliance_standard_error"] > 0).all()
    assert found.attrs["predictable"] == pytest.approx(len(kinds[True]) / 60)


def test_a_head_that_writes_nothing_serves_nothing():
    model = drawn_model().float()
    model.block(2).attn.W_O.data[0] = 0
    counts = TableOfNgrams(drawn_table(2))
    found = ngram_reliance(model, drawn_rows(), counts, threshold=0.2).sel(component="2:0")
    assert found["ngram_reliance"].item() == 0


@pytest.mark.parametrize("threshold", [0.0, 1.5, float("nan")])
def test_thresholds_are_probabilities(threshold):
    counts = TableOfNgrams(drawn_table(2))
    with pytest.raises(InputError, match="threshold must be above 0 and at most 1"):
        ngram_reliance(drawn_model(), drawn_rows(), counts, threshold)


@pytest.mark.parametrize("threshold", [1e-9, 1.0])
def test_both_kinds_of_token_are_needed(threshold):
    counts = TableOfNgrams(drawn_table(2))
    with pytest.raises(InputError, match="threshold must leave some tokens predictable and some"):
        ngram_reliance(drawn_model(), drawn_rows(), counts, threshold)


def test_two_tokens_are_too_short_for_trigrams():
    rows = torch.zeros(4, 2, dtype=torch.long)
    with pytest.raises(InputError, match="rows must have 3 to 12 tokens each, got 2"):
        ngram_reliance(drawn_model(), rows, TableOfNgrams(drawn_table(2)))
