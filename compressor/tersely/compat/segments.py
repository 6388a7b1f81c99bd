"""Prompts with `<llmlingua>` tags -> segments with a rate each, and compressed segments -> text again.

Nothing is compressed here. What a tag says must not be compressed comes out byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import regex

from tersely.errors import InvalidInputError

_TAG = regex.compile(r"<(?P<close>/?)llmlingua\b(?P<parameters>[^<>]*)(?P<end>>?)")
_PARAMETER = regex.compile(r"\s*,?\s*(?P<name>\w+)\s*=\s*(?P<value>[^\s,]+)\s*")
_SPACED = regex.compile(r"(?P<before>\s*)(?P<text>.*?)(?P<after>\s*)", regex.DOTALL)


class Segment(NamedTuple):
    """A part of a context.

    Attributes:
        text: its characters.
        rate: what to compress it to, in (0, 1]; None for the prompt's own rate.
        compress: whether it may be compressed at all.
    """

    text: str
    rate: float | None = None
    compress: bool = True


class Piece(NamedTuple):
    """What became of a segment: its text now, and whether words are missing at its beginning and at its end."""

    text: str
    cut_before: bool = False
    cut_after: bool = False


def parse_segments(text: str, name: str) -> list[Segment]:
    """The segments of a context, in order; joined, they are its text without the tags.

    Text outside of all tags is a segment without parameters.

    Args:
        text: such as `<llmlingua, compress=False>Title</llmlingua><llmlingua, rate=0.4>Some text.</llmlingua>`.
        name: what to call the context in an error.

    Raises:
        InvalidInputError: a tag is malformed, nested or left open; the message says which and where.
    """
    segments: list[Segment] = []
    position = 0
    opened: regex.Match[str] | None = None
    parameters = Segment("")
    for tag in _TAG.finditer(text):
        if not tag["end"]:
            raise _error(name, tag, "has no '>'")
        if opened and not tag["close"]:
            raise _error(name, tag, f"stands inside {opened[0]!r} of character {opened.start()}; tags do not nest")
        if tag["close"] and not opened:
            raise _error(name, tag, "closes nothing")
        if tag["close"] and tag["parameters"].strip():
            raise _error(name, tag, "closes with parameters; they stand in the opening tag")
        segments.append(parameters._replace(text=text[position : tag.start()]))
        position = tag.end()
        opened = None if tag["close"] else tag
        parameters = Segment("") if tag["close"] else Segment("", *_parameters(tag, name))
    if opened:
        raise _error(name, opened, "is not closed; end the segment with '</llmlingua>'")
    segments.append(Segment(text[position:]))
    return [segment for segment in segments if segment.text]


def read_segments(contexts: Sequence[str], texts: Any, rates: Any, compress: Any) -> list[list[Segment]]:
    """The segments that `context_segs`, `context_segs_rate` and `context_segs_compress` say.

    Args:
        contexts: whose parts they are.
        texts: for each context the texts of its segments, which make up the context when they are joined.
        rates: for each segment its rate, or None for the prompt's own.
        compress: for each segment whether it may be compressed.

    Raises:
        InvalidInputError: the three do not have the same shape, or do not make up the contexts.
    """
    lists = {"context_segs": texts, "context_segs_rate": rates, "context_segs_compress": compress}
    for name, value in lists.items():
        if value is None:
            raise InvalidInputError(f"context_segs needs context_segs_rate and context_segs_compress; {name} is None")
        if isinstance(value, str) or len(value) != len(contexts):
            raise InvalidInputError(f"{name} must have one list for each of the {len(contexts)} contexts")
    segments = []
    for index, of_context in enumerate(zip(texts, rates, compress, strict=True)):
        if any(isinstance(values, str) for values in of_context) or len({len(values) for values in of_context}) != 1:
            raise InvalidInputError(
                f"context_segs[{index}], context_segs_rate[{index}] and context_segs_compress[{index}] must be lists "
                f"of the same length"
            )
        if "".join(of_context[0]) != contexts[index]:
            raise InvalidInputError(f"context_segs[{index}] joined must be context[{index}], and is not")
        for rate in of_context[1]:
            _check_rate(rate, f"context_segs_rate[{index}]")
        segments.append([Segment(text, rate, bool(may)) for text, rate, may in zip(*of_context, strict=True)])
    return segments


def split_white_space(text: str) -> tuple[str, str, str]:
    """The white space before a segment's words, the words, and the white space after them."""
    match = _SPACED.fullmatch(text)
    assert match  # it matches every text
    return match["before"], match["text"], match["after"]


def join_pieces(pieces: Sequence[Piece]) -> str:
    """The pieces of a context, one after the other; where words are missing between two others, those do not touch."""
    joined = ""
    cut = False
    for piece in pieces:
        if not piece.text:
            cut = cut or piece.cut_before or piece.cut_after
            continue
        if joined and (cut or piece.cut_before) and _in_word(joined[-1]) and _in_word(piece.text[0]):
            joined += " "
        joined += piece.text
        cut = piece.cut_after
    return joined


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _parameters(tag: regex.Match[str], name: str) -> tuple[float | None, bool]:
    """The rate that an opening tag gives, if any, and whether its segment may be compressed."""
    parameters: dict[str, str] = {}
    text, position = tag["parameters"].rstrip().rstrip(","), 0
    while position < len(text):
        parameter = _PARAMETER.match(text, position)
        if not parameter:
            raise _error(name, tag, f"has {text[position:].strip(' ,')!r}, which is no parameter such as rate=0.4")
        if parameter["name"] not in ("rate", "compress"):
            raise _error(name, tag, f"has a parameter {parameter['name']!r}; there are rate and compress")
        if parameter["name"] in parameters:
            raise _error(name, tag, f"has {parameter['name']} twice")
        parameters[parameter["name"]] = parameter["value"]
        position = parameter.end()
    rate: float | None = None
    if "rate" in parameters:
        try:
            rate = float(parameters["rate"])
        except ValueError:
            raise _error(name, tag, f"has a rate that is no number: {parameters['rate']!r}") from None
        _check_rate(rate, f"the rate of {tag[0]!r} at character {tag.start()} of {name}")
    if parameters.get("compress", "True") not in ("True", "False"):
        raise _error(name, tag, f"has compress={parameters['compress']}; it is True or False")
    return rate, parameters.get("compress") != "False"


def _check_rate(rate: Any, name: str) -> None:
    number = isinstance(rate, (int, float)) and not isinstance(rate, bool)
    if rate is not None and not (number and 0 < rate <= 1):
        raise InvalidInputError(f"{name} must be above 0 and at most 1, got {rate!r}")


def _error(name: str, tag: regex.Match[str], what: str) -> InvalidInputError:
    return InvalidInputError(f"{name}: the tag {tag[0]!r} at character {tag.start()} {what}")
