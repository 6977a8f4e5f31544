"""Colours that people with any kind of colour vision can tell apart.

Categories: Okabe and Ito (2008), yellow last because it is weak on white. Maps: cividis and
viridis, which are even in lightness. Maps with numbers written in them are white to light blue, or
light blue over white to light orange where there is a neutral middle, so that ink is readable.
Verdicts get darker as they get worse.
"""

CATEGORIES = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#B8A800",
)
DASHES = ("solid", "dash", "dot", "dashdot")
MAP = "Cividis"
MAP_OF_COUNTS = "Viridis"
WRITTEN_MAP = ((0.0, "#ffffff"), (1.0, "#5aa9d6"))
DIVERGING = ((0.0, "#5AA9D6"), (0.5, "#FAFAFA"), (1.0, "#E58A4A"))
VERDICTS = ("#d3e7f3", "#f0bf5c", "#c8553d")
INK = "#1f2933"
FAINT = "#7b8794"
GRID = "#e8ecf0"
STAGE_SHADES = ("#f4f6f9", "#ffffff")
BOUNDARY = "#52606d"
PALE = 0.3
"""Share of the colour in a pale one; the rest is white."""
DARK = 140
"""Brightness, of 255, below which a colour wants white text."""


def category_color(index: int) -> str:
    """Colour of the category with this index; colours come back after eight.

    Example:
        >>> category_color(0), category_color(8)
        ('#0072B2', '#0072B2')
    """
    return CATEGORIES[index % len(CATEGORIES)]


def category_dash(index: int) -> str:
    """Dash of the category with this index; changes each time the colours come back.

    Example:
        >>> category_dash(7), category_dash(8)
        ('solid', 'dash')
    """
    return DASHES[(index // len(CATEGORIES)) % len(DASHES)]


def ink_on(color: str) -> str:
    """White or ink, whichever is easier to read on a colour.

    Example:
        >>> ink_on("#0072B2"), ink_on("#E69F00")
        ('#ffffff', '#1f2933')
    """
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < DARK else INK


def pale(color: str) -> str:
    """The colour, most of it white.

    Example:
        >>> pale("#0072B2")
        '#b2d4e7'
    """
    parts = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{int(255 - PALE * (255 - part)):02x}" for part in parts)


def translucent(color: str, opacity: float) -> str:
    """The colour with an opacity in [0, 1].

    Example:
        >>> translucent("#0072B2", 0.2)
        'rgba(0,114,178,0.2)'
    """
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
