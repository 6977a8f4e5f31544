"""What an undeclared family may look like, read off the configuration and the shapes.

Every guess is only a claim: its heads are used if they pass the zeroing test.
"""

from dataclasses import replace

from torch import nn

from somite.components.families.family import Family
from somite.components.families.interleaved import interleaved
from somite.components.families.separate import separate
from somite.components.families.stacked import stacked


def candidates(model: nn.Module) -> list[Family]:
    """Families that a decoder's shapes allow; they differ in their heads only.

    Args:
        model: A model with a configuration that names the number of layers.

    Returns:
        Empty if there is no list of as many layers. The first knows no heads.
    """
    if (layers := _layers(model)) is None:
        return []
    name, block = layers
    parts = {n: m for n, m in block.named_children() if len(_matrices(m)) > 0}
    named = [n for n, m in parts.items() if "att" in n and len(_matrices(m)) > 1]
    attention = named[0] if named else ""
    plain = Family(
        separate,
        layers=name,
        attention=attention,
        projections=(),
        output="",
        mlp=tuple(n for n in parts if n != attention),
        hidden=(),
        mixed="its attention is stored in no way that passes the zeroing test",
    )
    if not attention:
        return [replace(plain, mlp=(), mixed="its layers have no attention that we know")]
    maps = _matrices(parts[attention])
    storages = (stacked, interleaved) if len(maps) == 2 else (separate,)
    heads = [
        {
            "storage": storage,
            "output": output,
            "projections": tuple(m for m in maps if m != output),
            "transposed": transposed,
            "mixed": None,
        }
        for output in reversed(maps)  # the last is the likeliest
        for transposed in (False, True)
        for storage in storages
    ]
    return [plain, *(replace(plain, **claim) for claim in heads)]  # type: ignore[arg-type]


def _layers(model: nn.Module) -> tuple[str, nn.Module] | None:
    """The outermost list of as many modules as the configuration names layers, and its last."""
    count = getattr(getattr(model, "config", None), "num_hidden_layers", None)
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return name, module[-1]
    return None


def _matrices(module: nn.Module) -> list[str]:
    """Modules within that hold a matrix as their weight, in order."""
    named = ((name, getattr(m, "weight", None)) for name, m in module.named_modules())
    return [name for name, w in named if isinstance(w, nn.Parameter) and w.ndim == 2]
