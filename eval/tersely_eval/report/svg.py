"""The style of charts: an empty chart, and a drawn one as an element for an HTML page. Nothing is drawn here.

Colours become variables of the page, so that a chart is readable on light and on dark; each falls back to its light
value where there is no such page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Light and dark. Far apart for people with any kind of colour blindness, and at least 3:1 against the background.
COLOURS = (
    ("#405c96", "#66b4fc"),
    ("#e65719", "#e35413"),
    ("#3ca087", "#97f7dc"),
    ("#bc70ee", "#a56590"),
    ("#72480b", "#f5d24f"),
    ("#4c0927", "#f3899e"),
    ("#030284", "#5b6dec"),
)
INK, _RULE, ALARM = "#1b1e22", "#d9dce0", "#b3121d"
_VARIABLES = {INK: "currentColor", _RULE: f"var(--rule, {_RULE})", ALARM: f"var(--alarm, {ALARM})"} | {
    light: f"var(--series-{number}, {light})" for number, (light, _) in enumerate(COLOURS)
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same layout everywhere
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
}
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_INCHES = (4.5, 3.3)


@contextmanager
def empty_chart(x: str, y: str, inches: tuple[float, float] = _INCHES) -> Iterator[tuple[Figure, Axes]]:
    """An empty chart with labelled axes; draw it and make it SVG inside the `with`, where the style holds."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=inches, layout="constrained")
        axes = figure.add_subplot()
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        yield figure, axes


def inline_svg(figure: Figure, name: str, title: str) -> str:
    """The figure as an element: with the page's colours and no date, so that the same figure is the same text.

    Args:
        figure: drawn by `empty_chart`.
        name: begins all ids in it.
        title: read aloud, and shown by the pointer.
    """
    from matplotlib import rc_context

    file = StringIO()
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    for prefix, namespace in (("", _SVG), ("xlink", _XLINK)):
        ElementTree.register_namespace(prefix, namespace)
    root = ElementTree.fromstring(file.getvalue())
    for parent in root.iter():
        for child in list(parent):
            # The style's rule would hold for the whole page.
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"}:
                parent.remove(child)
    for size in ("width", "height"):
        del root.attrib[size]  # the page says how wide; the viewBox how high then
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "id":
                element.set(key, f"{name}-{value}")
            elif key == "style":
                element.set(key, re.sub("#[0-9a-f]{6}", lambda colour: _VARIABLES.get(colour[0], colour[0]), value))
            else:
                element.set(key, re.sub(r"^(url\()?#", rf"\1#{name}-", value))
    root.set("style", "stroke-linejoin: round; stroke-linecap: butt")
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    element = ElementTree.Element(f"{{{_SVG}}}title", {"id": f"{name}-title"})
    element.text = title
    root.insert(0, element)
    return ElementTree.tostring(root, encoding="unicode")
