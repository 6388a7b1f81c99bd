"""What in logs and other output of programs tells why something failed. Runs no model.

A question after a failure shares few words with its answer: the line that says `denied` or `expected 3, got 4`. Such a
line, what follows and precedes it, and the end of the output are where a person looks first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import regex

from tersely.text.segmentation import SegmentedDocument, own_text

_FAILURE_WORDS = (
    r"err(?:ors?)?|fail(?:ed|ures?|s|ing)?|fatal|panic(?:ked)?|exceptions?|traceback|crash(?:ed|es)?|broken|"
    r"abort(?:ed)?|timed? ?out"
)
_ASKS_AFTER_FAILURE = regex.compile(
    rf"\b(?:{_FAILURE_WORDS}|bugs?|wrong|root cause|not work(?:ing)?|fehler|fehlgeschlagen|erreurs?|échoué"
    r"|errores?|falló|fallo)\b|失败|錯誤|错误|报错|失敗|エラー|خطأ|فشل",
    regex.IGNORECASE,
)
_TELLS_OF_FAILURE = regex.compile(
    rf"\b(?:{_FAILURE_WORDS}|assert(?:ion)?|denied|refused|cannot|could not|not found|no such|unable to|undefined|"
    r"unexpected|expected|invalid|segfault|segmentation fault|killed|conflicts?|"
    r"exit(?:ed)? (?:with )?(?:code|status) [1-9]\d*)\b"
    r"|(?-i:\b\w*(?:Error|Exception)\b)|✗|✘",
    regex.IGNORECASE,
)
_NONE_OF_IT = regex.compile(r"\b(?:no|0|without) (?:errors?|failures?|failed|warnings?)\b", regex.IGNORECASE)
_NUMBER = regex.compile(r"\d+")  # lines that differ in numbers alone repeat each other
_MOST_SIGNS = 2  # more signs of failure in a line say no more
_NEIGHBOUR = 0.85  # of what a line tells, its neighbour has this share, the next neighbour this share of that, ...
_FOLLOWS, _PRECEDES, _LATE = 0.5, 0.3, 0.7


def failure_signs(documents: Sequence[SegmentedDocument], question: str) -> np.ndarray:
    """For each unit of all documents how much it looks like the cause of a failure, from 0 to 2.5.

    0 for prose, and 0 for all units where the question does not ask after a failure.
    """
    if not _ASKS_AFTER_FAILURE.search(question):
        return np.zeros(sum(len(segmented.units) for segmented in documents))
    return np.concatenate([_signs(segmented) for segmented in documents])


def _signs(segmented: SegmentedDocument) -> np.ndarray:
    lines = [own_text(segmented, unit) for unit in segmented.units]
    shapes = [_NUMBER.sub("0", line) for line in lines]
    repeated = Counter(shapes)
    output = np.array([not unit.divisible for unit in segmented.units])
    own = np.zeros(len(lines))
    for number, (line, shape) in enumerate(zip(lines, shapes, strict=True)):
        if output[number]:
            signs = len(_TELLS_OF_FAILURE.findall(line)) - len(_NONE_OF_IT.findall(line))
            own[number] = min(max(signs, 0), _MOST_SIGNS) / _MOST_SIGNS / math.sqrt(repeated[shape])
    late = np.arange(len(own)) / len(own)
    spread = own + _FOLLOWS * _decayed(own) + _PRECEDES * _decayed(own[::-1])[::-1]
    signs_and_place: np.ndarray = np.where(output, spread + _LATE * late * bool(own.any()), 0.0)
    return signs_and_place


def _decayed(signs: np.ndarray) -> np.ndarray:
    """Each value, or what is left of the highest one before it."""
    left = 0.0
    decayed = np.zeros(len(signs))
    for number, value in enumerate(signs.tolist()):
        left = max(left * _NEIGHBOUR, value)
        decayed[number] = left
    return decayed
