"""Text between a start tag and its end tag, such as `<context>` ... `</context>`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Tagged(NamedTuple):
    """Characters of a tagged text.

    Attributes:
        start, end: with the tags around it.
        text_start, text_end: without them, and without white space at its edges; as long as 0 if nothing else is there.
    """

    start: int
    text_start: int
    text_end: int
    end: int


def find_tagged(text: str, tag: str | None) -> Iterator[Tagged]:
    """The tagged texts in a text, in order; none without a tag. A tag that is never closed marks nothing.

    Of several end tags before the next start tag the last one counts: a document may well speak of an end tag, and what
    it says after it is still the document's.
    """
    if tag is None:
        return
    start_tag, end_tag = re.compile(rf"<{re.escape(tag)}(\s[^<>]*)?(?<!/)>"), f"</{tag}>"
    start = start_tag.search(text)
    while start:
        first_end = text.find(end_tag, start.end())
        if first_end < 0:
            return
        following = start_tag.search(text, first_end)
        end = text.rfind(end_tag, first_end, following.start() if following else len(text))
        inside = text[start.end() : end]
        text_start = start.end() + len(inside) - len(inside.lstrip())
        yield Tagged(start.start(), text_start, text_start + len(inside.strip()), end + len(end_tag))
        start = following
