"""Subtitles (SRT, WebVTT) -> blocks: each cue with its number, times and text is one."""

from __future__ import annotations

from itertools import pairwise

import regex

from tersely.text.layout import Line, lines_between
from tersely.text.outline import Outline, Region

_FEWEST = 2  # cues

_STAMP = r"(?:\d{1,3}:)?\d\d:\d\d[.,]\d{3}"
_TIMES = regex.compile(rf"{_STAMP} --> {_STAMP}(?:\s|$)")
_SIGNATURE = regex.compile(r"\ufeff?WEBVTT\b")


def find(text: str, start: int, end: int) -> list[Region]:
    """The subtitles between two characters that begin and end lines, from the first cue to the last."""
    if text.find(" --> ", start, end) < 0 or len(_TIMES.findall(text, start, end)) < _FEWEST:
        return []
    lines = lines_between(text, start, end)
    cues = [number for number, line in enumerate(lines) if _TIMES.match(line.content)]
    if not cues:
        return []
    last = next((number for number in range(cues[-1], len(lines)) if not lines[number].content), len(lines))
    has_signature = _SIGNATURE.match(text, start, end)
    first = start if has_signature else lines[cues[0] - _has_name(lines, cues[0])].start
    return [Region(first, lines[last - 1].end, _read)]


def _has_name(lines: list[Line], times: int) -> bool:
    """Whether the line above the times is the number or the name of the cue."""
    if not times or not lines[times - 1].content or _TIMES.match(lines[times - 1].content):
        return False
    return times == 1 or not lines[times - 2].content


def _read(outline: Outline, start: int, end: int) -> None:
    lines = lines_between(outline.text, start, end)
    cues = [n - _has_name(lines, n) for n, line in enumerate(lines) if _TIMES.match(line.content)]
    with outline.under(*([outline.add(start, lines[0].end, standalone=False)] if cues[0] else [])):
        if cues[0] > 1:  # notes and styles
            outline.add(lines[1].start, lines[cues[0] - 1].end)
        for first, stop in pairwise([*cues, len(lines)]):
            outline.add(lines[first].start, lines[stop - 1].end)
