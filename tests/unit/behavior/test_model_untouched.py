import pytest
import torch

from somite import behavior
from unit.behavior.circuits import TableOfNgrams, drawn_model, drawn_rows, drawn_table

COUNTS = TableOfNgrams(drawn_table(2))
EVERYTHING = {
    "attention_scores": lambda model, rows: behavior.attention_scores(model, rows, seed=0),
    "chance_level": lambda model, rows: behavior.chance_level(model, rows, seed=0),
    "token_losses": behavior.token_losses,
    "in_context_score": behavior.in_context_score,
    "ngram_scores": lambda model, rows: behavior.ngram_scores(model, rows, COUNTS),
    "ngram_reliance": lambda model, rows: behavior.ngram_reliance(model, rows, COUNTS, 0.2),
    "ablation": lambda model, rows: behavior.ablation(model, {"text": rows}, seed=0),
    "attention_examples": lambda model, rows: behavior.attention_examples(
        model, rows, ["text"] * len(rows), str, ["0:0"]
    ),
    "composition": lambda model, rows: behavior.composition(model, n_random=2),
}


@pytest.mark.parametrize("name", EVERYTHING)
@pytest.mark.parametrize("training", [True, False])
def test_model_rows_and_random_state_are_left_as_they_were(name, training):
    model, rows = drawn_model().train(training), drawn_rows()
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    state, given = torch.get_rng_state(), rows.clone()
    EVERYTHING[name](model, rows)
    assert all(torch.equal(weight, before[key]) for key, weight in model.state_dict().items())
    assert model.training == training
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())
    assert torch.is_grad_enabled()
    assert rows.equal(given)
    assert torch.get_rng_state().equal(state)
