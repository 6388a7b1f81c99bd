"""The elements of HTML by what they mean to a reader of the page."""

from __future__ import annotations

HEADINGS = {f"h{level}": level for level in range(1, 7)}
ITEMS = frozenset("tr li dt dd".split())
CELLS = frozenset("td th".split())
# Elements that a line before them may introduce.
INTRODUCED = frozenset("ul ol dl table pre".split())
# Elements that name the subject of the element around them.
TITLES = frozenset("thead caption summary legend figcaption".split())
# Elements that tell a reader nothing.
SILENT = frozenset("head script style meta link base svg iframe template colgroup col hr source track".split())
INLINE = frozenset(
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i img input ins kbd label mark q s samp small span "
    "strike strong sub sup time tt u var wbr".split()
)
_CONTAINERS = frozenset(
    "html body div p section article header footer main nav aside tbody tfoot form button select option blockquote "
    "figure details".split()
)
HTML = _CONTAINERS.union(
    HEADINGS, ITEMS, CELLS, INTRODUCED, TITLES, SILENT - {"link", "source", "track"}, INLINE - {"data"}
)
