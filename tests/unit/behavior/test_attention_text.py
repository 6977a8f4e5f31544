import numpy as np
import pytest
import torch

from somite.behavior.attention_text import attention_examples
from somite.core.errors import InputError
from unit.behavior.circuits import drawn_model, drawn_rows


def examples(rows=3, domains=("a", "b", "a"), components=("2:1", "0:0")):
    return attention_examples(
        drawn_model(), drawn_rows(rows), list(domains), "t{}".format, list(components)
    )


def test_patterns_are_the_models_in_the_order_asked_for():
    found = examples()
    trace = drawn_model().trace(drawn_rows(3))
    assert found["pattern"].dims == ("example", "component", "query", "key")
    assert found["pattern"].dtype == np.float16
    for name, pattern in (("2:1", trace.pattern[2][:, 1]), ("0:0", trace.pattern[0][:, 0])):
        found_pattern = torch.tensor(found["pattern"].sel(component=name).values.astype(float))
        torch.testing.assert_close(found_pattern, pattern.detach(), rtol=1e-3, atol=1e-3)
        assert (found_pattern.triu(1) == 0).all()


def test_tokens_and_domains_are_text():
    found = examples()
    assert found["token"].dims == ("example", "position")
    assert found["token"].values.tolist() == [[f"t{i}" for i in row] for row in drawn_rows(3)]
    assert found["domain"].values.tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domains": ("a",)}, "domains must name one domain for each of the 3 rows"),
        ({"components": ("9:9",)}, "components must be a known name, got '9:9'"),
        ({"components": ()}, "components must name at least one head, each once"),
        ({"components": ("0:0", "0:0")}, "components must name at least one head, each once"),
        ({"rows": 0, "domains": ()}, "rows must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(settings, message):
    with pytest.raises(InputError, match=message):
        examples(**settings)
