"""Paragraphs of plain text -> blocks: their sentences, or their lines where these stand for themselves."""

from __future__ import annotations

from tersely.text.lines import LONGEST_RECORD, Record, split_records
from tersely.text.outline import Outline
from tersely.text.sentences import split_paragraphs, split_sentences

_LONGEST_LINE = 200  # characters; a longer line that stands for itself is cut into its sentences
_LONGEST_HEADER = 500  # characters of a line with the names of columns; a longer one is a row like others


def read_prose(outline: Outline, start: int, end: int) -> None:
    """Add each sentence between two characters as a block, and each line that stands for itself."""
    for paragraph in split_paragraphs(outline.text[start:end]):
        first, last = start + paragraph.start, start + paragraph.end
        records = split_records(outline.text, first, last)
        if not records:
            add_sentences(outline, first, last)
            continue
        header = records[0] if records[0].is_head and records[0].end - records[0].start <= _LONGEST_HEADER else None
        above = [outline.add(header.start, header.end, stands=False)] if header else []
        with outline.under(*above):
            for record in records[len(above) :]:
                _add_record(outline, record)


def add_sentences(outline: Outline, start: int, end: int) -> None:
    """Add each sentence between two characters as a block."""
    for number, sentence in enumerate(split_sentences(outline.text[start:end])):
        outline.add(start + sentence.start, start + sentence.end, divisible=True, apart=not number)


def _add_record(outline: Outline, record: Record) -> None:
    length = record.end - record.start
    several = "\n" in outline.text[record.start : record.end].rstrip()
    if record.is_row or length <= (LONGEST_RECORD if several else _LONGEST_LINE):
        outline.add(record.start, record.end)
    else:
        add_sentences(outline, record.start, record.end)
