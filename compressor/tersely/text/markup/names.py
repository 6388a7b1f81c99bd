"""The elements of HTML by what they are to a reader."""

from __future__ import annotations

HEADINGS = {f"h{level}": level for level in range(1, 7)}
ITEMS = frozenset("tr li dt dd".split())
CELLS = frozenset("td th".split())
# What a line before them introduces.
INTRODUCED = frozenset("ul ol dl table pre".split())
# They say what the element is about in which they stand.
TITLES = frozenset("thead caption summary legend figcaption".split())
# They say nothing to a reader.
SILENT = frozenset("head script style meta link base svg iframe template colgroup col hr source track".split())
INLINE = frozenset(
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i img input ins kbd label mark q s samp small span "
    "strike strong sub sup time tt u var wbr".split()
)
_OTHERS = frozenset(
    "html body div p section article header footer main nav aside tbody tfoot form button select option blockquote "
    "figure details".split()
)
HTML = _OTHERS.union(
    HEADINGS, ITEMS, CELLS, INTRODUCED, TITLES, SILENT - {"link", "source", "track"}, INLINE - {"data"}
)
