"""A decoder-only transformer that can be read in one sitting, taken apart and run from the middle.

    residual₀ = embed(tokens) (+ positions)
    residual ← residual + Σ_h head_h(norm(residual)) (+ mlp(norm(residual)))
    logits    = norm(residual) · unembed

Weights of a head are slices along the first axis (`blocks.0.attn.W_Q[h]`), so that head h of layer
l is the same four slices in every tensor. Three ways of telling a head where a token stands:
`shortformer` adds learned positions to the inputs of queries and keys only (Press et al. 2021),
`learned` adds them to the residual stream, `rotary` turns queries and keys (Su et al. 2021).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from somite.components.cuts import Cut
from somite.components.mask import Mask, whole
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError

POSITIONS = ("shortformer", "learned", "rotary")
NORMS = ("layer", "rms", "none")
UNEMBED_SCALE = 0.02
"""Standard deviation of the unembedding at the start: the first predictions are nearly even."""


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of a transformer.

    Args:
        vocab_size: Number of tokens.
        context: Longest sequence.
        n_layers: Number of blocks.
        d_model: Width of the residual stream.
        n_heads: Heads per block.
        d_head: Width of a head; n_heads·d_head need not equal d_model.
        d_mlp: Width of the MLP of each block; 0 for an attention-only model.
        positions: "shortformer", "learned" or "rotary".
        norm: "layer" (LayerNorm), "rms" (RMSNorm) or "none".
        bias: Whether attention and unembedding have biases.
        position_scale: Standard deviation of learned positions at the start.
    """

    vocab_size: int
    context: int
    n_layers: int = 2
    d_model: int = 64
    n_heads: int = 8
    d_head: int = 32
    d_mlp: int = 0
    positions: str = "shortformer"
    norm: str = "layer"
    bias: bool = False
    position_scale: float = 1.0

    def __post_init__(self) -> None:
        """Check the shape before any weight is made.

        Raises:
            InputError: If a number or a name breaks its rule.
        """
        for name, least in (("vocab_size", 2), ("context", 2), ("n_layers", 1), ("d_model", 1)):
            at_least(name, getattr(self, name), least)
        for name, least in (("n_heads", 1), ("d_head", 1), ("d_mlp", 0)):
            at_least(name, getattr(self, name), least)
        one_of("positions", self.positions, POSITIONS)
        one_of("norm", self.norm, NORMS)
        if self.positions == "rotary" and self.d_head % 2:
            raise InputError("d_head", "must be even for rotary positions", self.d_head, "Add one.")


def make_norm(config: TransformerConfig) -> nn.Module:
    """The configured normalisation over the residual stream."""
    if config.norm == "none":
        return nn.Identity()
    kind = nn.LayerNorm if config.norm == "layer" else nn.RMSNorm
    return kind(config.d_model)


def rotate(x: Tensor) -> Tensor:
    """Turn pairs of coordinates of x (..., position, d_head) by angles growing with position."""
    length, width = x.shape[-2:]
    rate = 10000.0 ** (-torch.arange(0, width, 2, device=x.device, dtype=x.dtype) / width)
    angle = torch.arange(length, device=x.device, dtype=x.dtype)[:, None] * rate
    first, second = x[..., ::2], x[..., 1::2]
    turned = (
        first * angle.cos() - second * angle.sin(),
        first * angle.sin() + second * angle.cos(),
    )
    return torch.stack(turned, dim=-1).flatten(-2)


HEAD_TENSORS = ("W_Q", "W_K", "W_V", "W_O")
HEAD_BIASES = ("b_Q", "b_K", "b_V")


class Attention(nn.Module):
    """Causal attention; every head writes its own output into the residual stream."""

    def __init__(self, config: TransformerConfig) -> None:
        """Draw the weights: normal, variance 1 / fan-in."""
        super().__init__()
        shape = (config.n_heads, config.d_head, config.d_model)
        for name in HEAD_TENSORS:
            fan_in = config.d_head * config.n_heads if name == "W_O" else config.d_model
            self.register_parameter(name, nn.Parameter(torch.randn(shape) * fan_in**-0.5))
        if config.bias:
            for name in HEAD_BIASES:
                zeros = torch.zeros(config.n_heads, config.d_head)
                self.register_parameter(name, nn.Parameter(zeros))
            self.b_O = nn.Parameter(torch.zeros(config.d_model))
        self.rotary = config.positions == "rotary"

    def weights(self) -> dict[str, Tensor]:
        """Weights of all heads by short name, head axis first."""
        return {n: p for n, p in self.named_parameters() if n != "b_O"}

    def pattern(self, located: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """Attention of the given heads over earlier tokens.

        Args:
            located: Normalised residual with positions (batch, position, d_model).
            weights: `W_Q`, `W_K` (head, d_head, d_model), and their biases where there are any.

        Returns:
            Probabilities (batch, head, query, key), zero above the diagonal.
        """
        query, key = self._queries_keys(located, weights)
        score = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        length = score.shape[-1]
        later = torch.ones(length, length, dtype=torch.bool, device=score.device).triu(1)
        pattern: Tensor = score.masked_fill(later, -torch.inf).softmax(-1)
        return pattern

    def values(self, plain: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """Values of the given heads at each token (batch, head, position, d_head)."""
        return self._project(plain, weights, "V")

    def heads_sum(self, plain: Tensor, located: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """Sum over the given heads of what they add to the residual (batch, position, d_model)."""
        return self.mixed(plain, located, weights) @ weights["W_O"].flatten(0, 1)

    def mixed(self, plain: Tensor, located: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """Values that the given heads have gathered (batch, position, head * d_head)."""
        query, key = self._queries_keys(located, weights)
        value = self.values(plain, weights)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return mixed.transpose(1, 2).flatten(2)

    def _queries_keys(
        self, located: Tensor, weights: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        query, key = (self._project(located, weights, letter) for letter in "QK")
        return (rotate(query), rotate(key)) if self.rotary else (query, key)

    @staticmethod
    def _project(x: Tensor, weights: Mapping[str, Tensor], letter: str) -> Tensor:
        weight = weights[f"W_{letter}"]  # (head, d_head, d_model)
        flat = x @ weight.flatten(0, 1).T  # (batch, position, head * d_head)
        if (bias := weights.get(f"b_{letter}")) is not None:
            flat = flat + bias.flatten()
        heads: Tensor = flat.unflatten(-1, weight.shape[:2]).transpose(1, 2)
        return heads


class MLP(nn.Module):
    """Two linear maps with a GELU between."""

    def __init__(self, config: TransformerConfig) -> None:
        """Draw the weights as `nn.Linear` does."""
        super().__init__()
        self.up = nn.Linear(config.d_model, config.d_mlp)
        self.down = nn.Linear(config.d_mlp, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (..., d_model) to what the MLP adds to the residual stream."""
        out: Tensor = self.down(F.gelu(self.up(x)))
        return out


class Block(nn.Module):
    """Attention, then (unless attention-only) an MLP, each reading a normalised residual."""

    def __init__(self, config: TransformerConfig) -> None:
        """Make the parts."""
        super().__init__()
        self.norm_attn = make_norm(config)
        self.attn = Attention(config)
        self.has_mlp = bool(config.d_mlp)
        if self.has_mlp:
            self.norm_mlp = make_norm(config)
            self.mlp = MLP(config)

    def forward(
        self, residual: Tensor, place: Tensor | None, replaced: Mapping[int, Tensor] | None = None
    ) -> Tensor:
        """Residual stream above the block, with the outputs of some heads replaced."""
        weights = self.attn.weights()
        plain, located = self.read(residual, place)
        if replaced:
            kept = [h for h in range(len(weights["W_Q"])) if h not in replaced]
            weights = {name: w[kept] for name, w in weights.items()}
            residual = residual + sum(replaced.values())
        return self.close(residual + self.attn.heads_sum(plain, located, weights))

    def read(self, residual: Tensor, place: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the heads read: for values, and for queries and keys (with positions)."""
        plain: Tensor = self.norm_attn(residual)
        return plain, plain if place is None else plain + place

    def close(self, residual: Tensor) -> Tensor:
        """Add what follows the heads: their common bias and the MLP."""
        if (bias := getattr(self.attn, "b_O", None)) is not None:
            residual = residual + bias
        return residual + self.mlp(self.norm_mlp(residual)) if self.has_mlp else residual


@dataclass
class Trace:
    """What a forward pass met on its way; lists are indexed by layer.

    Args:
        residual: Input of each block, and last the input of the final norm; each
            (batch, position, d_model).
        pattern: Attention probabilities, each (batch, head, query, key).
        head_output: What each head adds to the residual, each (batch, head, position, d_model).
    """

    residual: list[Tensor] = field(default_factory=list)
    pattern: list[Tensor] = field(default_factory=list)
    head_output: list[Tensor] = field(default_factory=list)


class Transformer(nn.Module):
    """Decoder-only transformer: tokens (batch, position) to logits (batch, position, vocab).

    Args:
        config: Its shape.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> model = Transformer(TransformerConfig(vocab_size=11, context=8, d_model=16, n_heads=2))
        >>> model(torch.zeros(3, 8, dtype=torch.long)).shape
        torch.Size([3, 8, 11])
    """

    def __init__(self, config: TransformerConfig) -> None:
        """Draw the weights from torch's current random state."""
        super().__init__()
        self.config = config
        self.embed = nn.Parameter(torch.randn(config.vocab_size, config.d_model))
        if config.positions != "rotary":
            scale = config.position_scale
            self.positions = nn.Parameter(torch.randn(config.context, config.d_model) * scale)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = make_norm(config)
        self.unembed = nn.Parameter(torch.randn(config.d_model, config.vocab_size) * UNEMBED_SCALE)
        if config.bias:
            self.b_U = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, tokens: Tensor, replace: Mapping[str, Tensor] | None = None) -> Tensor:
        """Logits of the next token.

        Args:
            tokens: (batch, position), whole numbers.
            replace: Heads ("layer:head") whose output is replaced, and by what: anything that
                broadcasts to (batch, position, d_model).

        Returns:
            (batch, position, vocab).

        Raises:
            InputError: If the rows are too long, or `replace` names a head that does not exist.
        """
        replaced = self._by_layer(replace or {})
        residual = self.start(tokens)
        for layer in range(self.config.n_layers):
            residual = self.run_block(layer, residual, replaced.get(layer))
        return self.finish(residual)

    def trace(self, tokens: Tensor) -> Trace:
        """Forward pass that keeps residuals, attention patterns and the outputs of all heads.

        Args:
            tokens: (batch, position), whole numbers.

        Returns:
            The `Trace`; `finish(trace.residual[-1])` gives the logits.
        """
        trace = Trace(residual=[self.start(tokens)])
        for layer in range(self.config.n_layers):
            attn, residual = self.block(layer).attn, trace.residual[-1]
            plain, located = self.read(layer, residual)
            pattern = attn.pattern(located, attn.weights())
            output = pattern @ attn.values(plain, attn.weights()) @ attn.weights()["W_O"]
            trace.pattern.append(pattern)
            trace.head_output.append(output)
            trace.residual.append(self.block(layer).close(residual + output.sum(1)))
        return trace

    def block(self, layer: int) -> Block:
        """The block of a layer."""
        block = self.blocks[layer]
        assert isinstance(block, Block)
        return block

    def start(self, tokens: Tensor) -> Tensor:
        """Residual stream below the first block (batch, position, d_model).

        Raises:
            InputError: If the rows are longer than the context.
        """
        longest = self.config.context
        if tokens.shape[1] > longest:
            rule, remedy = f"must have at most {longest} positions", "Cut the rows."
            raise InputError("tokens", rule, tokens.shape[1], remedy)
        residual = F.embedding(tokens, self.embed)
        if self.config.positions == "learned":
            residual = residual + self.positions[: tokens.shape[1]]
        return residual

    def read(self, layer: int, residual: Tensor) -> tuple[Tensor, Tensor]:
        """What the heads of a layer read: for values, and for queries and keys (with positions)."""
        return self.block(layer).read(residual, self.place(residual))

    def run_block(
        self, layer: int, residual: Tensor, replaced: Mapping[int, Tensor] | None = None
    ) -> Tensor:
        """Residual stream above a block, with the outputs of some heads replaced."""
        found: Tensor = self.block(layer)(residual, self.place(residual), replaced)
        return found

    def place(self, residual: Tensor) -> Tensor | None:
        """What is added where queries and keys are read (position, d_model)."""
        shifted = self.config.positions == "shortformer"
        return self.positions[: residual.shape[1]] if shifted else None

    def finish(self, residual: Tensor) -> Tensor:
        """Logits (batch, position, vocab) from the residual stream above the last block."""
        logits: Tensor = self.norm(residual) @ self.unembed
        return logits + self.b_U if self.config.bias else logits

    def components(self) -> dict[str, dict[str, Mask]]:
        """Declared components by kind: heads, mlps, layers, embed, unembed.

        Returns:
            For each kind its components by name, each a `Mask`; heads are named "layer:head".
        """
        layers = range(self.config.n_layers)
        heads = {f"{i}:{h}": self._head(i, h) for i in layers for h in range(self.config.n_heads)}
        kinds = {"heads": heads, "layers": {str(i): self._named(f"blocks.{i}.") for i in layers}}
        if self.config.d_mlp:
            kinds["mlps"] = {f"{i}:mlp": self._named(f"blocks.{i}.mlp.") for i in layers}
        kinds["embed"] = {"embed": self._named("embed", "positions")}
        kinds["unembed"] = {"unembed": self._named("unembed", "b_U")}
        return kinds

    def units(self) -> frozenset[str]:
        """Tensors whose slices along the first axis are units: those with a head axis."""
        return frozenset(
            f"blocks.{i}.attn.{name}"
            for i in range(self.config.n_layers)
            for name in self.block(i).attn.weights()
        )

    def hidden_neurons(self) -> dict[str, dict[str, Cut]]:
        """By layer, how its MLP is cut into neurons; the bias of its output belongs to none."""
        cuts = {"up.weight": Cut(0), "up.bias": Cut(0), "down.weight": Cut(1)}
        layers = range(self.config.n_layers if self.config.d_mlp else 0)
        return {str(i): {f"blocks.{i}.mlp.{n}": cut for n, cut in cuts.items()} for i in layers}

    def _head(self, layer: int, head: int) -> Mask:
        entries = {}
        for name, weight in self.block(layer).attn.weights().items():
            chosen = torch.zeros(weight.shape, dtype=torch.bool)
            chosen[head] = True
            entries[f"blocks.{layer}.attn.{name}"] = chosen
        return Mask(entries)

    def _named(self, *prefixes: str) -> Mask:
        return Mask({n: whole(p) for n, p in self.named_parameters() if n.startswith(prefixes)})

    def _by_layer(self, replace: Mapping[str, Tensor]) -> dict[int, dict[int, Tensor]]:
        found: dict[int, dict[int, Tensor]] = {}
        for name, output in replace.items():
            layer, head = one_of("replace", name, head_names(self.config)).split(":")
            found.setdefault(int(layer), {})[int(head)] = output
        return found


def head_names(config: TransformerConfig) -> Iterable[str]:
    """Names of all heads, "layer:head", layer by layer."""
    return [f"{i}:{h}" for i in range(config.n_layers) for h in range(config.n_heads)]
