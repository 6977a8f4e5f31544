import torch

from somite.behavior.row_statistics import ratio_mean, row_mean, standard_error
from somite.core.random import stream


def test_row_mean_is_the_textbook_one():
    values = torch.randn(3, 9, generator=stream(0, "values"), dtype=torch.float64)
    mean, error = row_mean(values)
    torch.testing.assert_close(mean, values.mean(1))
    torch.testing.assert_close(error, values.std(1) / 3)


def test_ratio_mean_weighs_rows_by_their_tokens():
    mean, _ = ratio_mean(torch.tensor([6.0, 0.0]), torch.tensor([3, 1]))
    assert mean == 1.5


def test_rows_without_counted_tokens_change_no_mean():
    sums, counts = torch.tensor([6.0, 2.0, 0.0]), torch.tensor([3, 1, 0])
    mean, influence = ratio_mean(sums, counts)
    assert mean == 2
    assert influence[2] == 0


def test_error_of_a_ratio_agrees_with_its_spread_over_repetitions():
    generator = stream(1, "repetitions")
    counts = torch.randint(1, 9, (4000, 40), generator=generator)
    noise = torch.randn(counts.shape, generator=generator, dtype=torch.float64)
    found = [ratio_mean(2 * n + n.sqrt() * e, n) for n, e in zip(counts, noise, strict=True)]
    spread = torch.stack([mean for mean, _ in found]).std()
    typical = torch.stack([standard_error(i) for _, i in found]).mean()
    assert abs(typical / spread - 1) < 0.05


def test_equal_rows_have_no_error():
    assert row_mean(torch.full((5,), 0.3))[1] == 0
