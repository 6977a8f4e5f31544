import pytest
import torch

from somite.core.errors import InputError
from somite.models import Transformer, TransformerConfig, next_token_loss
from somite.models.transformer import head_names, rotate
from unit.models.tiny import CONTEXT, SHAPES, tiny_rows, tiny_transformer

shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def test_the_setting_of_wang_et_al_has_3355016_parameters():
    config = TransformerConfig(
        vocab_size=5000, context=1024, n_layers=2, d_model=256, n_heads=8, d_head=32, bias=True
    )
    with torch.device("meta"):
        model = Transformer(config)
    assert sum(p.numel() for p in model.parameters()) == 3_355_016


@shapes
def test_later_tokens_do_not_change_earlier_logits(shape):
    model, rows = tiny_transformer(**shape), tiny_rows()
    logits = model(rows)
    for place in range(1, CONTEXT):
        changed = rows.clone()
        changed[:, place:] = (changed[:, place:] + 3) % 7
        torch.testing.assert_close(model(changed)[:, :place], logits[:, :place])
        assert not torch.allclose(model(changed)[:, place], logits[:, place])


@shapes
def test_a_shorter_row_has_the_same_logits(shape):
    model, rows = tiny_transformer(**shape), tiny_rows()
    torch.testing.assert_close(model(rows[:, :4]), model(rows)[:, :4])


@shapes
def test_the_trace_is_the_forward_pass(shape):
    model, rows = tiny_transformer(**shape), tiny_rows()
    trace = model.trace(rows)
    torch.testing.assert_close(model.finish(trace.residual[-1]), model(rows))
    assert len(trace.residual) == 3
    for pattern, output in zip(trace.pattern, trace.head_output, strict=True):
        assert pattern.shape == (12, 3, CONTEXT, CONTEXT)
        assert output.shape == (12, 3, CONTEXT, 8)
        torch.testing.assert_close(pattern.sum(-1), torch.ones_like(pattern[..., 0]))
        assert (pattern.triu(1) == 0).all()


def test_scores_are_scaled_products_of_queries_and_keys():
    model, rows = tiny_transformer(), tiny_rows(1)
    _, located = model.read(0, model.start(rows))
    attn = model.block(0).attn
    query, key = located[0, 4] @ attn.W_Q[1].T, located[0] @ attn.W_K[1].T
    expected = (key[:5] @ query / 2).softmax(0)
    torch.testing.assert_close(model.trace(rows).pattern[0][0, 1, 4, :5], expected)


def test_shortformer_positions_reach_queries_and_keys_only():
    model = tiny_transformer()
    residual = model.start(tiny_rows())
    plain, located = model.read(0, residual)
    torch.testing.assert_close(plain, model.block(0).norm_attn(residual))
    torch.testing.assert_close(located - plain, model.positions.expand(12, -1, -1))


def test_rotary_scores_depend_on_distance_alone():
    x = torch.randn(2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    query, key = (rotate(row.expand(10, 4)) for row in x)
    scores = query @ key.T
    for offset in range(3):
        torch.testing.assert_close(scores[offset, 0], scores[offset + 5, 5])
    assert scores[0, 0] == pytest.approx(float(x[0] @ x[1]))
    torch.testing.assert_close(query.norm(dim=-1), x[0].norm().expand(10))


@shapes
def test_replacing_a_head_by_its_own_output_changes_nothing(shape):
    model, rows = tiny_transformer(**shape), tiny_rows()
    trace = model.trace(rows)
    own = {"0:2": trace.head_output[0][:, 2], "1:0": trace.head_output[1][:, 0]}
    torch.testing.assert_close(model(rows, replace=own), model(rows))


@shapes
def test_replacing_a_head_by_zero_is_zeroing_its_output_weights(shape):
    model, rows = tiny_transformer(**shape), tiny_rows()
    replaced = model(rows, replace={"0:1": torch.zeros(8, dtype=torch.float64)})
    assert not torch.allclose(replaced, model(rows))
    model.block(0).attn.W_O.data[1] = 0
    torch.testing.assert_close(model(rows), replaced)


def test_all_heads_of_a_layer_can_be_replaced():
    model, rows = tiny_transformer(), tiny_rows()
    nothing = torch.zeros(8, dtype=torch.float64)
    replaced = model(rows, replace={f"1:{h}": nothing for h in range(3)})
    torch.testing.assert_close(replaced, model.finish(model.run_block(0, model.start(rows))))


def test_next_token_loss_is_the_cross_entropy_of_the_next_token():
    model, rows = tiny_transformer(), tiny_rows()
    found = next_token_loss(model, rows)
    log_p = model(rows).log_softmax(-1)
    assert found.shape == (12, CONTEXT - 1)
    torch.testing.assert_close(found[3, 2], -log_p[3, 2, rows[3, 3]])


def test_next_token_loss_takes_logits_from_an_output_object():
    class Output:
        logits = tiny_transformer()(tiny_rows())

    found = next_token_loss(lambda _: Output(), tiny_rows())
    torch.testing.assert_close(found, next_token_loss(tiny_transformer(), tiny_rows()))


def test_head_names_go_layer_by_layer():
    names = list(head_names(tiny_transformer().config))
    assert names == ["0:0", "0:1", "0:2", "1:0", "1:1", "1:2"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocab_size": 1}, "vocab_size must be a whole number of at least 2, got 1"),
        ({"context": 1}, "context must be a whole number of at least 2"),
        ({"n_layers": 0}, "n_layers must be a whole number of at least 1"),
        ({"n_heads": 2.0}, r"n_heads must be a whole number of at least 1, got 2\.0"),
        ({"d_mlp": -1}, "d_mlp must be a whole number of at least 0"),
        ({"positions": "rotory"}, "positions must be a known name.*Did you mean 'rotary'"),
        ({"norm": "batch"}, "norm must be a known name.*Valid: layer, rms"),
        ({"positions": "rotary", "d_head": 5}, "d_head must be even for rotary positions, got 5"),
    ],
)
def test_bad_shapes_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        TransformerConfig(**{"vocab_size": 7, "context": 6, **changes})


def test_rows_longer_than_the_context_are_refused():
    with pytest.raises(InputError, match="tokens must have at most 6 positions, got 7"):
        tiny_transformer()(torch.zeros(1, 7, dtype=torch.long))


def test_replacing_an_unknown_head_is_refused():
    with pytest.raises(InputError, match="replace must be a known name, got '2:0'"):
        tiny_transformer()(tiny_rows(), replace={"2:0": torch.zeros(8)})
