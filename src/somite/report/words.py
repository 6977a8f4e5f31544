"""What components are called in the report, by how they were chosen."""

WORDS = {
    "heads": "head",
    "layers": "layer",
    "mlps": "MLP",
    "attentions": "attention",
    "head_groups": "head group",
    "keys_values": "key-value group",
    "experts": "expert",
    "routers": "router",
    "neurons": "neuron",
    "neuron_groups": "neuron group",
    "channels": "channel",
    "gates": "gate",
}
OTHER = "component"


def singular(chosen: str) -> str:
    """What one of the components is called.

    Args:
        chosen: Kinds, names or patterns as `somite.components` takes them, several with commas.

    Example:
        >>> singular("heads"), singular("channels:conv1/8"), singular("heads,mlps")
        ('head', 'channel group', 'component')
    """
    words = _words(chosen)
    return words[0] if len(words) == 1 else OTHER


def plural(chosen: str, short: bool = False) -> str:
    """What the components are called.

    Args:
        chosen: Kinds, names or patterns as `somite.components` takes them, several with commas.
        short: Whether heads are called just that.

    Example:
        >>> plural("heads,neuron_groups:4"), plural("0:1,0:2"), plural("heads", short=True)
        ('attention heads and neuron groups', 'components', 'heads')
    """
    words = _words(chosen)
    if OTHER in words:
        return f"{OTHER}s"
    *others, last = ["attention head" if w == "head" and not short else w for w in words]
    return f"{'s, '.join(others)}s and {last}s" if others else f"{last}s"


def axis(chosen: str) -> str:
    """Title of an axis along which the components stand.

    Example:
        >>> axis("heads"), axis("layers")
        ('head (layer:head)', 'layer')
    """
    return "head (layer:head)" if singular(chosen) == "head" else singular(chosen)


def _words(chosen: str) -> list[str]:
    return list(dict.fromkeys(_word(part) for part in chosen.split(",")))


def _word(part: str) -> str:
    kind, _, inside = part.strip().partition(":")
    grouped = kind == "channels" and "/" in inside
    return WORDS.get(kind, OTHER) + (" group" if grouped else "")
