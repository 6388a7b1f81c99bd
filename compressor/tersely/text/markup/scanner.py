"""XML or HTML, also a piece of it -> its elements, with exact positions.

It is parsed as browsers do: an element without an end tag ends where HTML says, and a `<` that begins no tag is text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import regex

# Levels; real pages have fewer.
_DEEPEST = 200

_TAG = regex.compile(
    r"""
    <(?P<slash>/?) (?P<name>[A-Za-z_][\w:.-]*+) (?<!:) (?=[\s/>])
    (?: (?:[^<>"']++ | "[^"<]*+(?:<[^"]{0,300}+)?+" | '[^'<]*+(?:<[^']{0,300}+)?+')*+ | [^<>]*+ )
    >
    """,
    regex.VERBOSE,
)
_DECLARATION = regex.compile(r"<![A-Za-z][^<>\[]*+(?:\[[^\]]*+\]\s*+)?+>")
# Beginnings and ends of what is no element and has no tags inside.
_OPAQUE = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
_TAGLESS = ("script", "style")

COMMENT, CDATA, INSTRUCTION, DECLARATION, STRAY = "<!--", "<![CDATA[", "<?", "<!", "</"

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_CELL_ENDS = frozenset({"td", "th", "tr", "tbody", "tfoot"})
# Elements of HTML whose end tag may be missing, each with the elements before which it ends.
_ENDED_BY = {
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "td": _CELL_ENDS,
    "th": _CELL_ENDS,
    "tr": frozenset({"tr", "tbody", "tfoot"}),
    "thead": frozenset({"tbody", "tfoot"}),
    "tbody": frozenset({"tbody", "tfoot"}),
    "option": frozenset({"option", "optgroup"}),
    "head": frozenset({"body"}),
    "p": frozenset("p div ul ol dl table h1 h2 h3 h4 h5 h6 pre section article form blockquote hr figure".split()),
}


@dataclass(slots=True)
class Element:
    """An element, or what is in the place of one: a comment, an end tag without a beginning.

    Attributes:
        name: of its tags, in HTML in small letters; for what is no element one of the constants above.
        start: where it begins.
        content: where its start tag ends.
        close: where its end tag begins.
        end: where it ends.
        closed: it has an end tag.
        children: the elements in it.
    """

    name: str
    start: int
    content: int
    close: int
    end: int
    closed: bool = True
    children: list[Element] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Characters."""
        return self.end - self.start


def scan_elements(text: str, start: int, end: int, is_html: bool) -> list[Element] | None:
    """The outermost elements between two characters; None if they are nested too deep."""
    root = Element("", start, start, end, end)
    opened = [root]
    missing: set[str] = set()  # ends that are not in the rest of the text
    position = start
    while (position := text.find("<", position, end)) >= 0:
        tag = _TAG.match(text, position, end)
        if not tag:
            leaf = _leaf(text, position, end, missing)
            if leaf:
                opened[-1].children.append(leaf)
            position = leaf.end if leaf else position + 1
            continue
        name = tag["name"].lower() if is_html else tag["name"]
        begin, position = tag.span()
        if tag["slash"]:
            _close(opened, name, begin, position)
            continue
        if is_html:
            while name in _ENDED_BY.get(opened[-1].name, ()):
                ended = opened.pop()
                ended.close = ended.end = begin
        element = Element(name, begin, position, position, position)
        opened[-1].children.append(element)
        if text[position - 2] == "/" or (is_html and name in _VOID):
            continue
        if is_html and name in _TAGLESS:
            position = _end_of_tagless(text, element, end, missing)
            continue
        if len(opened) == _DEEPEST:
            return None
        element.closed = False
        opened.append(element)
    for element in opened[1:]:
        element.close = element.end = end
    return root.children


def _close(opened: list[Element], name: str, begin: int, end: int) -> None:
    """End the last open element of this name, and all in it without an end tag."""
    for level in range(len(opened) - 1, 0, -1):
        if opened[level].name == name:
            for element in opened[level + 1 :]:
                element.close = element.end = begin
            opened[level].close, opened[level].end, opened[level].closed = begin, end, True
            del opened[level:]
            return
    opened[-1].children.append(Element(STRAY, begin, end, end, end))


def _leaf(text: str, start: int, end: int, missing: set[str]) -> Element | None:
    """The comment, instruction or declaration that begins here, if any."""
    for beginning, ending in _OPAQUE.items():
        if text.startswith(beginning, start) and ending not in missing:
            close = text.find(ending, start + len(beginning), end)
            if close >= 0:
                return Element(beginning, start, start + len(beginning), close, close + len(ending))
            missing.add(ending)
    if text.startswith(DECLARATION, start) and DECLARATION not in missing:
        declaration = _DECLARATION.match(text, start, end)
        if declaration:
            return Element(DECLARATION, start, declaration.end(), declaration.end(), declaration.end())
        missing.add(DECLARATION)
    return None


def _end_of_tagless(text: str, element: Element, end: int, missing: set[str]) -> int:
    if element.name not in missing:
        close = regex.compile(rf"</{element.name}\s*>", regex.I).search(text, element.content, end)
        if close:
            element.close, element.end = close.span()
            return element.end
        missing.add(element.name)
    return element.content
