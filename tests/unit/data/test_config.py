import pytest

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.data import DataConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domains": ("wikki",)}, "domains must be a known name, got 'wikki'. Did you mean 'wiki'"),
        ({"domains": ()}, "domains must name a domain"),
        ({"domains": ("code", "code")}, r"domains must name each domain once.*\['code'\]"),
        ({"texts": {"code": "x"}}, "domains must name each domain once"),
        ({"texts": {"repeats": "x"}}, "texts must have names of letters, .* got 'repeats'"),
        ({"texts": {"a.b": "x"}}, "texts must have names of letters, .* got 'a.b'"),
        ({"vocab_size": 255}, "vocab_size must be a whole number of at least 256"),
        ({"context": 1}, "context must be a whole number of at least 2"),
        ({"max_characters": 0}, "max_characters must be a whole number of at least 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"validation_share": 0.0}, "validation_share must be between 0 and 1, got 0.0"),
        ({"validation_share": 1.0}, "validation_share must be between 0 and 1"),
        ({"repeats_share": 1.0}, "repeats_share must be at least 0 and below 1"),
        ({"repeats_share": float("nan")}, "repeats_share must be at least 0 and below 1, got nan"),
        ({"repeats_min_period": 0}, "repeats_min_period must be a whole number of at least 1"),
        ({"repeats_max_period": 7}, "repeats_max_period must be a whole number of at least 8"),
        ({"repeats_max_period": 33}, r"repeats_max_period must be at most half .* \(32\), got 33"),
        ({"shares": {"code": 1.0}}, r"shares must name the domains \[.*got \[.code.\]"),
        (
            {"domains": ("code",), "shares": {"code": 0.9}},
            r"shares must be zero or more and sum to 1, got \[0.9\]",
        ),
        (
            {"domains": ("code", "wiki"), "shares": {"code": 1.5, "wiki": -0.5}},
            "shares must be zero or more and sum to 1",
        ),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        DataConfig(**settings)


def test_periods_do_not_matter_without_repeats():
    assert DataConfig(repeats_share=0.0, context=4).context == 4


def test_own_texts_stand_after_the_built_in_domains():
    config = DataConfig(domains=("wiki",), texts={"mails": "folder"})
    assert config.natural == ("wiki", "mails")
    assert DataConfig(domains=(), texts={"mails": "folder"}).natural == ("mails",)


def test_settings_have_a_fingerprint():
    assert fingerprint(DataConfig()) == fingerprint(DataConfig())
    assert fingerprint(DataConfig()) != fingerprint(DataConfig(texts={"mails": "folder"}))
