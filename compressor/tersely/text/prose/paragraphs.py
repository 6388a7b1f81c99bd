"""Paragraphs of plain text -> blocks: their sentences, or their lines if these are records.

The text below a heading without marks needs it, and an answer needs its question.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import regex

from tersely.text.outline import Outline
from tersely.text.prose.footnotes import NOTE
from tersely.text.prose.headings import (
    DEEPEST_NUMBERED,
    LIST_ITEM,
    TITLE,
    UNNUMBERED,
    first_line_level,
    heading_level,
    is_short_line,
)
from tersely.text.prose.lines import LONGEST_RECORD, Record, split_records
from tersely.text.prose.questions import answered_lines, is_question
from tersely.text.sentences import split_paragraphs, split_sentences

_LONGEST_LINE = 200  # characters; a longer record on one line is cut into its sentences
_LONGEST_HEADER = 500  # characters of a header row; a longer one is a row like others
_LONGEST_ANSWER = 400  # characters; a longer one is cut into its sentences
_LONGEST_PAIR = 400  # characters of a sentence with the exception to it that are one block
_LONGEST_OPENING = 25  # characters of a first sentence such as `Yes.`, which the rest of an answer needs
# A line with a label before a colon, at the beginning or after the end of a sentence. If nothing is after the colon it
# is the lead-in of the lines below.
_LABEL_LINE = regex.compile(
    r"(?:(?<=[.!?。！？؟\"”)][ \t]*\n)|\G)[ \t]*[\p{Lu}\p{Lo}][^\n:：.!?]{0,58}"
    r"(?:[:：][ \t]*\n(?=[^\n]*\S)|[:：](?P<beside>[ \t]+)(?=\S))"
)
_ITEM_LINE = regex.compile(rf"^{LIST_ITEM.pattern}", regex.M)
_MOST_LINES = 4  # lines of an item, on average
_ASKS = regex.compile(r"[?？؟][\"”’)]*\s*$")
_ANSWERS = regex.compile(
    r"(?:Yes|No|Yeah|Nope|Never|Maybe|Perhaps|Sure|Ja|Nein|Doch|Nie|Oui|Non|Si|Sí|Jamás|Nunca)\b|[是不没有对]|(?:نعم|لا)\b"
)
_LOOK = 400  # characters after the last paragraph that decide whether it is a heading
# The beginning of a sentence that makes an exception to the sentence before it.
_EXCEPTION = regex.compile(
    r"\(?(?:However|But|Except|Excepted|Unless|Otherwise|Nevertheless|Nonetheless|Only|Not|Never|Agreed|"
    r"(?:This|That|It|The (?:above|foregoing|same)) (?:does|do|shall|will|is|are) not (?:apply|valid|include|cover)|"
    r"Exceptions?\b|Jedoch|Aber|Außer|Ausgenommen|Sonst|Andernfalls|Allerdings|(?:Dies|Das) gilt nicht|Es sei denn|"
    r"Cependant|Toutefois|Sauf|Sinon|Mais|Sin embargo|No obstante|Pero|Salvo|Excepto|De lo contrario|"
    r"Nie|Nicht|Nur|Jamais|Seulement|Nunca|Solo|Sólo)\b"
    r"|[^.!?\n]{1,40}, (?:however|though|jedoch|aber|allerdings|toutefois|cependant|sin embargo), "
    r"|但|不过|然而|除非|否则|ただし|しかし|でも|لكن|ولكن|إلا|غير أن"
)


def read_prose(outline: Outline, start: int, end: int) -> None:
    """Add each sentence between two characters as a block, or each line that is a record."""
    text = outline.text
    start += len(text[start:end]) - len(text[start:end].lstrip("\n"))
    paragraphs = [(start + first, start + last) for first, last in split_paragraphs(text[start:end])]
    several_questions = sum(is_question(text[first:last]) for first, last in paragraphs) > 1
    question: list[int] = []  # the position of the question that is being answered
    for number, (first, last) in enumerate(paragraphs):
        following = text[slice(*paragraphs[number + 1])] if number + 1 < len(paragraphs) else text[last : last + _LOOK]
        if is_question(text[first:last]):
            question = [outline.add(first, last, standalone=False)]
            continue
        level = heading_level(text[first:last], following, is_first=not text[:first].strip())
        is_above = last == end < len(text) and not text[first:last].endswith("\n\n")
        if is_above and is_short_line(text[first:last]):  # right above a table, a list of columns or the like
            level = UNNUMBERED
        if level is not None and not (question and several_questions and level > DEEPEST_NUMBERED):
            question = []
            _open_heading(outline, level, first, last)
            continue
        if answered_lines(text, first, last):  # it has questions of its own
            question = []
        with outline.under(*question):
            if question:
                _add_answer(outline, first, last)
            else:
                _read_paragraph(outline, first, last)
        if not several_questions:
            question = []


def _open_heading(outline: Outline, level: float, start: int, end: int) -> None:
    # Nothing tells whether the first of two headings without numbers is over the second, so they are siblings.
    is_sibling = level > DEEPEST_NUMBERED and outline.open_level == TITLE
    outline.close_headings(TITLE if is_sibling else level)
    outline.open_heading(level, outline.add(start, end, standalone=False))


def _read_paragraph(outline: Outline, start: int, end: int) -> None:
    text = outline.text
    if NOTE.match(text, start, end) and end - start <= _LONGEST_ANSWER:
        outline.add(start, end)
        return
    line_end = text.find("\n", start, end) + 1
    level: float | None = None
    if line_end and text[line_end:end].strip():
        level = first_line_level(text[start:line_end], text[line_end:end])
        if level is not None:
            _open_heading(outline, level, start, line_end)
            start = line_end
    pairs = answered_lines(text, start, end)
    if pairs:
        _read_lines(outline, start, pairs[0].question[0])
        for question, answer in pairs:
            with outline.under(outline.add(*question, standalone=False)):
                _add_answer(outline, *answer)
        return
    items = [match.start() for match in _ITEM_LINE.finditer(text, start, end)]
    introduced = items and text[start : items[0]].rstrip().endswith((":", "："))
    if (len(items) > 1 or introduced) and len(items) >= text.count("\n", items[0], end) / _MOST_LINES:
        _add_items(outline, start, items, end)
        if level is not None:  # a heading right above a list is only over the list
            outline.close_headings(level)
        return
    labels = list(_LABEL_LINE.finditer(text, start, end))
    _read_lines(outline, start, labels[0].start() if labels else end)
    for match, stop in zip(labels, [*(match.start() for match in labels[1:]), end], strict=False):
        if match["beside"]:
            _add_answer(outline, match.start(), stop)
            continue
        with outline.under(outline.add(match.start(), match.end(), standalone=False)):
            _read_lines(outline, match.end(), stop)


def _read_lines(outline: Outline, start: int, end: int) -> None:
    """Add the lines if they are records, else the sentences."""
    text = outline.text
    if not text[start:end].strip():
        return
    records = split_records(text, start, end)
    if not records:
        add_sentences(outline, start, end)
        return
    header = records[0] if records[0].is_header and records[0].end - records[0].start <= _LONGEST_HEADER else None
    above = [outline.add(header.start, header.end, standalone=False)] if header else []
    with outline.under(*above):
        for record in records[len(above) :]:
            _add_record(outline, record)


def _add_items(outline: Outline, start: int, items: Sequence[int], end: int) -> None:
    """Add the items of a list that is none in Markdown, such as one that does not begin with 1."""
    above: list[int] = []
    if outline.text[start : items[0]].strip():
        add_sentences(outline, start, items[0])
        lead_in = outline.lead_in(items[0])
        above = [] if lead_in is None else [lead_in]
    with outline.under(*above):
        for first, last in pairwise([*items, end]):
            outline.add(first, last, divisible=True)


def add_sentences(outline: Outline, start: int, end: int) -> None:
    """Add each sentence between two characters as a block; a sentence and the exception to it are one block."""
    edges: list[tuple[int, int]] = []
    for first, last in split_sentences(outline.text[start:end]):
        first, last = start + first, start + last
        belongs = edges and (
            outline.text[first : first + 1].islower()
            or (last - edges[-1][0] <= _LONGEST_PAIR and _EXCEPTION.match(outline.text, first))
            or (
                _ANSWERS.match(outline.text, first)
                and last - first <= _LONGEST_OPENING
                and _ASKS.search(outline.text[slice(*edges[-1])])
            )
        )
        if belongs:
            edges[-1] = edges[-1][0], last
        else:
            edges.append((first, last))
    for number, (first, last) in enumerate(edges):
        outline.add(first, last, divisible=True, word_border=not number)


def _add_answer(outline: Outline, start: int, end: int) -> None:
    """Add an answer, whole if it is short. The sentences of a longer one need its first, if that is only a word."""
    if end - start <= _LONGEST_ANSWER:
        outline.add(start, end, divisible=True)
        return
    first = len(outline.blocks)
    add_sentences(outline, start, end)
    opening = outline.blocks[first]
    if opening.end - opening.start <= _LONGEST_OPENING:
        for position in range(first + 1, len(outline.blocks)):
            outline.add_needs(position, first)


def _add_record(outline: Outline, record: Record) -> None:
    length = record.end - record.start
    several = "\n" in outline.text[record.start : record.end].rstrip()
    if record.is_row or length <= (LONGEST_RECORD if several else _LONGEST_LINE):
        outline.add(record.start, record.end)
    else:
        add_sentences(outline, record.start, record.end)
