"""Mails -> blocks: the text under sender, date and subject; quoted lines with their marks and their author."""

from __future__ import annotations

from collections.abc import Sequence

import regex

from tersely.text.outline import Outline, Region
from tersely.text.prose import read_prose

_KEY = (
    r"(?P<key>From|To|Cc|Bcc|Date|Sent|Subject|Reply-To|Message-ID|In-Reply-To|Received|Von|An|Datum|Gesendet|Betreff|De|À"
    r"|Objet|Envoyé|Para|Asunto|Enviado|Fecha|发件人|收件人|主题|日期|发送时间|من|إلى|الموضوع|التاريخ)"
)
_FIELD = regex.compile(rf"[*_> \t]{{0,4}}{_KEY}[*_]{{0,2}}[ \t]?[:：][*_]{{0,2}}[ \t]?\S", regex.I)
_FOLDED = regex.compile(r"[ \t]+\S")
_QUOTED = regex.compile(r"[ \t]{0,3}(?P<marks>>(?:[ \t]?>)*)")
_LINE = regex.compile(r"[^\n]*\n|[^\n]+$")
_QUICK = regex.compile(rf"^(?:[*_> \t]{{0,4}}{_KEY}[*_]{{0,2}}[ \t]?[:：]|[ \t]{{0,3}}>)", regex.M | regex.I)
_SENDER = frozenset({"from", "von", "de", "发件人", "من"})
# Header fields that are not kept as context: without them it is still clear who wrote what and when.
_NEEDLESS = frozenset({"cc", "bcc", "reply-to", "message-id", "in-reply-to", "received"})
_LONGEST_QUOTE = 800  # characters of a quoted paragraph that is one block


def find(text: str, start: int, end: int) -> list[Region]:
    """A mail, or a thread of mails, from its first header on; without a header each run of quoted lines."""
    if not _QUICK.search(text, start, end):
        return []
    lines = [match.span() for match in _LINE.finditer(text, start, end)]
    headers = _headers(text, lines)
    if headers:
        return [Region(lines[headers[0][0]][0], end, lambda outline, first, last: _read(outline, lines, headers, last))]
    regions: list[Region] = []
    for first, last in _quoted_runs(text, lines):
        regions.append(
            Region(lines[first][0], lines[last - 1][1], lambda outline, begin, stop: _read_quote(outline, begin, stop))
        )
    return regions


def _headers(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Headers, which name the sender and one thing more: numbers of the first line and of that after the last."""
    headers: list[tuple[int, int]] = []
    number = 0
    while number < len(lines):
        keys: list[str] = []
        stop = number
        while stop < len(lines):
            match = _FIELD.match(text, *lines[stop])
            if match:
                keys.append(match["key"].lower())
            elif not (keys and _FOLDED.match(text, *lines[stop])):
                break
            stop += 1
        if len(set(keys)) > 1 and _SENDER & set(keys):
            headers.append((number, stop))
        number = max(stop, number + 1)
    return headers


def _read(outline: Outline, lines: Sequence[tuple[int, int]], headers: Sequence[tuple[int, int]], end: int) -> None:
    starts = [first for first, _ in headers]
    for (first, stop), following in zip(headers, [*starts[1:], len(lines)], strict=True):
        needed: list[int] = []
        for begin, last in lines[first:stop]:
            match = _FIELD.match(outline.text, begin, last)
            position = outline.add(begin, last, standalone=False)
            if match is None or match["key"].lower() not in _NEEDLESS:
                needed.append(position)
        body_end = lines[following][0] if following < len(lines) else end
        with outline.under(*needed):
            _read_body(outline, lines[stop - 1][1], body_end)


def _read_body(outline: Outline, start: int, end: int) -> None:
    lines = [match.span() for match in _LINE.finditer(outline.text, start, end)]
    done = start
    quoted_question: list[int] = []  # its position, if the text below answers it
    for first, last in [*_quoted_runs(outline.text, lines), (len(lines), len(lines))]:
        stop = lines[first][0] if first < len(lines) else end
        with outline.under(*quoted_question):
            read_prose(outline, done, stop)
        if first < len(lines):
            done = lines[last - 1][1]
            _read_quote(outline, stop, done)
            position = len(outline.blocks) - 1
            is_question = outline.text[outline.blocks[position].start : done].rstrip().endswith(("?", "？", "؟"))
            quoted_question = [position] if is_question else []


def _quoted_runs(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs of lines that begin with `>`: numbers of the first line and of that after the last."""
    runs: list[tuple[int, int]] = []
    for number, span in enumerate(lines):
        if not _QUOTED.match(text, *span):
            continue
        if runs and runs[-1][1] == number:
            runs[-1] = runs[-1][0], number + 1
        else:
            runs.append((number, number + 1))
    return runs


def _read_quote(outline: Outline, start: int, end: int) -> None:
    """Add quoted lines, in paragraphs of the same depth, under the line that names their author."""
    attribution = outline.lead_in(start)
    with outline.under(*([] if attribution is None else [attribution])):
        paragraph, depth = start, ""
        for match in _LINE.finditer(outline.text, start, end):
            quoted = _QUOTED.match(match[0])
            marks = quoted["marks"].replace(" ", "") if quoted else depth
            empty = quoted is not None and not match[0][quoted.end() :].strip()
            too_long = match.end() - paragraph > _LONGEST_QUOTE
            if (marks != depth or empty or too_long) and match.start() > paragraph:
                outline.add(paragraph, match.start())
                paragraph = match.start()
            depth = marks
        outline.add(paragraph, end)
