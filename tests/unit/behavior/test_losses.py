import pytest
import torch

from somite.behavior.losses import default_windows, in_context_score, token_losses
from somite.core.errors import InputError
from unit.behavior.circuits import drawn_model, drawn_rows


def test_token_losses_by_hand():
    model, rows = drawn_model(), drawn_rows()
    losses, predicted = token_losses(model, rows), model(rows).log_softmax(-1)
    assert losses.shape == (6, 11)
    assert not losses.requires_grad
    for row in range(6):
        for t in range(1, 12):
            expected = -predicted[row, t - 1, rows[row, t]].item()
            assert losses[row, t - 1].item() == pytest.approx(expected, abs=1e-12)


def test_a_model_that_knows_nothing_gains_nothing_from_context():
    model = drawn_model()
    model.unembed.data.zero_()
    model.b_U.data.zero_()
    score = in_context_score(model, drawn_rows())
    assert score["in_context_score"].item() == 0
    assert score["standard_error"].item() == 0


def test_the_score_is_late_minus_early_paired_in_the_row():
    model, rows = drawn_model(), drawn_rows()
    score, losses = (
        in_context_score(model, rows, early=(1, 3), late=(9, 12)),
        token_losses(model, rows),
    )
    paired = losses[:, 8:11].mean(1) - losses[:, 0:2].mean(1)
    assert score["in_context_score"].item() == pytest.approx(paired.mean().item(), abs=1e-12)
    assert score["standard_error"].item() == pytest.approx(paired.std().item() / 6**0.5, abs=1e-12)
    assert score.attrs == {"early": [1, 3], "late": [9, 12]}


@pytest.mark.parametrize("length", [3, 4, 12, 31, 64, 1024])
def test_default_windows_lie_apart_and_inside(length):
    early, late = default_windows(length)
    assert 1 <= early[0] < early[1] <= late[0] < late[1] == length


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ({"early": (0, 2)}, r"early must be a window .* within \[1, 12\), got \(0, 2\)"),
        ({"early": (2, 2)}, r"early must be a window"),
        ({"late": (9, 13)}, r"late must be a window .* got \(9, 13\)"),
        ({"early": (1, 6), "late": (5, 8)}, r"late must be a window .* within \[6, 12\)"),
    ],
)
def test_bad_windows_are_named(windows, message):
    with pytest.raises(InputError, match=message):
        in_context_score(drawn_model(), drawn_rows(), **windows)


def test_two_tokens_are_too_short_to_compare():
    rows = torch.zeros(4, 2, dtype=torch.long)
    with pytest.raises(InputError, match="rows must have 3 to 12 tokens each, got 2"):
        in_context_score(drawn_model(), rows)
