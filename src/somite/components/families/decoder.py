"""Components of a decoder of Hugging Face, from what its family says of itself.

A head is what falls silent with its output: its rows of queries, its columns of the output
projection, and its keys and values where no other head reads them. Keys and values that several
heads share are a component of their own; a head group holds both.
"""

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any

from torch import Tensor, nn

from somite.components.cuts import SLICES, Cut
from somite.components.families.attention import Attention
from somite.components.families.derived import candidates
from somite.components.families.family import REMEDY, Family
from somite.components.families.hidden import experts, neuron_cuts
from somite.components.families.registry import DECLARED
from somite.components.families.zeroing import have_heads
from somite.components.mask import Mask, whole
from somite.components.neurons import single_neurons
from somite.core.errors import InputError

Kind = dict[str, Mask]


class Decoder:
    """A decoder with what is known of its family.

    Args:
        model: The model.
        families: Its family; or, of an undeclared one, first what is sure, which knows no heads,
            then the ways in which its heads may be stored.
    """

    def __init__(self, model: nn.Module, families: list[Family]) -> None:
        """Look up the weights."""
        self._model, self._families, self._outline = model, families, families[0]
        self.weights: dict[str, Tensor] = dict(model.named_parameters())
        path = families[0].layers
        self.layers = [f"{path}.{n}" for n, _ in model.get_submodule(path).named_children()]

    @cached_property
    def family(self) -> Family:
        """The family; an undeclared one is the first whose heads pass the zeroing test."""
        sure, *claims = self._families
        return next((c for c in claims if have_heads(self._model, self._read(c))), sure)

    def kinds(self) -> dict[str, Callable[[], Kind]]:
        """For each kind of component how to get it; a kind may turn out to be empty."""
        neuron_kinds = {f"neurons:{i}": partial(self.neurons, i) for i in range(len(self.layers))}
        return {
            "heads": self.heads,
            "keys_values": self.keys_values,
            "head_groups": self.head_groups,
            "common": self.common,
            "attentions": self.attentions,
            "mlps": self.mlps,
            "experts": self.experts,
            "routers": self.routers,
            "layers": self.whole_layers,
            "embed": self.embed,
            "positions": self.positions,
            "unembed": self.unembed,
            "rest": self.rest,
            "parts": self.parts,
        } | neuron_kinds

    def units(self) -> dict[str, Cut]:
        """How tensors fall into units: into heads, and into experts."""
        found = {name: cut for one in self.attention_layers for name, cut in one.cuts.items()}
        stacked = (name for mask in self.experts().values() for name in mask.entries)
        return found | {name: SLICES for name in stacked if self.weights[name].ndim > 2}

    def heads(self) -> Kind:
        """Heads, "layer:head".

        Raises:
            InputError: If heads have no weights of their own in this model.
        """
        if (reason := self.family.mixed) is not None:
            kind = self._model.config.model_type  # type: ignore[union-attr]
            rule = f"cannot be heads of a model of type {kind}: {reason}"
            raise InputError("components", rule, "heads", REMEDY)
        return self._of_attentions(lambda one: range(one.heads), "{}", lambda one, h: [h])

    def keys_values(self) -> Kind:
        """Keys and values that several heads share, "layer:kv0"; none where each has its own."""
        return self._of_attentions(
            lambda one: range(one.groups), "kv{}", lambda one, g: [one.heads + g]
        )

    def head_groups(self) -> Kind:
        """Heads together with the keys and values that they share, "layer:group0"."""
        return self._of_attentions(
            lambda one: range(one.groups),
            "group{}",
            lambda one, g: [*one.members(g), one.heads + g],
        )

    def common(self) -> Kind:
        """What belongs to no head of an attention: bias of the output, norms, "layer:common"."""
        return {
            f"{i}:common": Mask({name: whole(w) for name, w in one.common.items()})
            for i, one in enumerate(self.attention_layers)
            if one.common and one.cuts
        }

    def attentions(self) -> Kind:
        """Whole attentions, "layer:attention"."""
        parts = [self._outline.attention] if self._outline.attention else []
        return self._in_layers("attention", parts)

    def mlps(self) -> Kind:
        """Whole MLPs with all experts, "layer:mlp"."""
        return self._in_layers("mlp", self._outline.mlp)

    def experts(self) -> Kind:
        """Experts, "layer:expert0"."""
        return {
            f"{i}:expert{number}": mask
            for i, layer in enumerate(self.layers)
            for number, mask in enumerate(experts(self._model, self._outline, layer))
        }

    def routers(self) -> Kind:
        """What an MLP with experts has beside them, "layer:router"."""
        experts, mlps, found = self.experts(), self.mlps(), {}
        taken = {name for mask in experts.values() for name in mask.entries}
        for i in {name.partition(":")[0]: None for name in experts}:
            whole_mlp = mlps[f"{i}:mlp"].entries
            if beside := {name: chosen for name, chosen in whole_mlp.items() if name not in taken}:
                found[f"{i}:router"] = Mask(beside)
        return found

    def neurons(self, layer: int) -> Kind:
        """Hidden neurons of a layer's MLP, "layer:neuron0"."""
        return single_neurons(self.weights, self.hidden_neurons()[str(layer)], str(layer))

    def hidden_neurons(self) -> dict[str, dict[str, Cut]]:
        """By layer, how its MLP is cut into hidden neurons; none where it has experts instead."""
        return {
            str(i): neuron_cuts(self.weights, self._outline, layer)
            for i, layer in enumerate(self.layers)
        }

    def whole_layers(self) -> Kind:
        """Whole layers, "layer"."""
        return {str(i): self._under([layer]) for i, layer in enumerate(self.layers)}

    def embed(self) -> Kind:
        """The embedding; one with the unembedding where both are tied."""
        return self._end("embed")

    def unembed(self) -> Kind:
        """The unembedding; one with the embedding where both are tied."""
        return self._end("unembed")

    def positions(self) -> Kind:
        """Learned positions."""
        path = self._outline.positions
        return {"positions": self._under([path])} if path else {}

    def rest(self) -> Kind:
        """Norms and all else: one component for each module, "layer:input_layernorm"."""
        known = [self.attentions(), self.mlps(), self.embed(), self.positions(), self.unembed()]
        taken = {name for kind in known for mask in kind.values() for name in mask.entries}
        found: dict[str, dict[str, Tensor]] = {}
        for name, weight in self.weights.items():
            if name not in taken:
                found.setdefault(self._short(name.rpartition(".")[0]), {})[name] = whole(weight)
        return {name: Mask(entries) for name, entries in found.items()}

    def parts(self) -> Kind:
        """The smallest of the above that hold every weight once: a partition of the model."""
        routed = {name.partition(":")[0] for name in self.experts()}
        dense = {n: mask for n, mask in self.mlps().items() if n.partition(":")[0] not in routed}
        whole_heads = self.family.mixed is None
        attention = self.heads() | self.keys_values() | self.common() if whole_heads else {}
        held = {name.partition(":")[0] for name in attention}
        left = {n: m for n, m in self.attentions().items() if n.partition(":")[0] not in held}
        ends = self.embed() | self.positions()
        if self._ends["embed"] != self._ends["unembed"]:
            ends |= self.unembed()
        return attention | left | dense | self.experts() | self.routers() | ends | self.rest()

    @cached_property
    def attention_layers(self) -> list[Attention]:
        """The attention of every layer; empty if heads have no weights of their own."""
        return [] if self.family.mixed else self._read(self.family)

    def _read(self, family: Family) -> list[Attention]:
        heads = int(self._model.config.num_attention_heads)  # type: ignore[union-attr, arg-type]
        return [Attention(self.weights, family, layer, heads) for layer in self.layers]

    def _of_attentions(
        self,
        numbers: Callable[[Attention], Iterable[int]],
        name: str,
        units: Callable[[Attention, int], list[int]],
    ) -> Kind:
        return {
            f"{i}:{name.format(number)}": one.mask(*units(one, number))
            for i, one in enumerate(self.attention_layers)
            if one.cuts
            for number in numbers(one)
        }

    @cached_property
    def _ends(self) -> dict[str, set[str]]:
        """Names of the weights that embed and that unembed; the same where they share one."""
        names = {id(weight): name for name, weight in self.weights.items()}
        model: Any = self._model
        modules = model.get_input_embeddings(), model.get_output_embeddings()
        first, last = ({names[id(w)] for w in m.parameters()} if m else set() for m in modules)
        if first & last:
            first = last = first | last
        return {"embed": first, "unembed": last}

    def _end(self, end: str) -> Kind:
        entries = {name: whole(self.weights[name]) for name in sorted(self._ends[end])}
        return {end: Mask(entries)} if entries else {}

    def _in_layers(self, name: str, parts: Iterable[str]) -> Kind:
        found = {}
        for i, layer in enumerate(self.layers):
            own = [f"{layer}.{part}" for part in parts]
            if any(n.startswith(tuple(f"{path}." for path in own)) for n in self.weights):
                found[f"{i}:{name}"] = self._under(own)
        return found

    def _under(self, paths: list[str]) -> Mask:
        inside = tuple(f"{path}." for path in paths)
        return Mask({n: whole(w) for n, w in self.weights.items() if n.startswith(inside)})

    def _short(self, module: str) -> str:
        """Name of a module with its layer in front."""
        for i, layer in enumerate(self.layers):
            if module == layer or module.startswith(f"{layer}."):
                return f"{i}:{module.removeprefix(layer).removeprefix('.') or 'own'}"
        return module or "own"


def decoder(model: nn.Module) -> Decoder | None:
    """A model's decoder, if it is one of Hugging Face.

    Args:
        model: Any module; one of transformers has a configuration that names its type.

    Returns:
        None if the model has no such configuration, or no list of layers.
    """
    kind = getattr(getattr(model, "config", None), "model_type", None)
    if not isinstance(kind, str) or not hasattr(model, "get_input_embeddings"):
        return None
    families = [DECLARED[kind]] if kind in DECLARED else candidates(model)
    return Decoder(model, families) if families else None
