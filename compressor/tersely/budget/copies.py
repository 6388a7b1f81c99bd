"""Documents that say the same as another one, or a part of it: they are read once and paid for once. Runs no model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import regex

from tersely.text.qualifiers import has_qualifier

_WORD = regex.compile(r"[\p{L}\p{N}\p{M}]+")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]")
# A shorter text (in words, or characters of a script without spaces) can say something of its own in another place.
_FEWEST = 8
_SHINGLE = 5  # words that follow each other
# A text can be a copy only where another has this share of its shingles.
_NEARLY_ALL = 0.95
_LONGEST_COMPARED = 3000  # words; of longer texts only exact parts are copies
# Shingles that stand in more texts than this say nothing of which of them are alike.
_COMMON = 50


def find_copies(texts: Mapping[int, str]) -> dict[int, int]:
    """For each text that is a copy of another, or of a part of it, the position of the fullest one.

    A text that says a word more, or that lacks a number or a word such as `not`, is no copy. Of equal ones the first is
    none.

    Args:
        texts: by their positions; what is said of them does not depend on their order but for equal ones.
    """
    if len(texts) < 2:
        return {}
    words = {position: _words(text) for position, text in texts.items()}
    by_length = sorted(texts, key=lambda position: (-len(words[position]), position))
    texts_with: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    copies: dict[int, int] = {}
    for position in by_length:
        shingles = _shingles(words[position])
        if len(words[position]) >= _FEWEST:
            shared = Counter(other for shingle in shingles for other in texts_with.get(shingle, ())[:_COMMON])
            fullest = next(
                (
                    other
                    for other, number in sorted(shared.items(), key=lambda entry: (-entry[1], entry[0]))
                    if number >= _NEARLY_ALL * len(shingles) and _says_no_more(words[position], words[other])
                ),
                None,
            )
            if fullest is not None:
                copies[position] = fullest
                continue
        for shingle in shingles:
            texts_with[shingle].append(position)
    return copies


def _says_no_more(words: Sequence[str], of_other: Sequence[str]) -> bool:
    """Whether a text is a part of another, which at most adds words between that change no fact."""
    if f" {' '.join(words)} " in f" {' '.join(of_other)} ":
        return True
    if len(of_other) > _LONGEST_COMPARED:
        return False
    steps = SequenceMatcher(None, words, of_other, autojunk=False).get_opcodes()
    between = [step for step in steps if step[0] != "equal" and 0 < step[1] and step[2] < len(words)]
    if any(first < last for kind, first, last, _, _ in steps if kind != "equal"):
        return False
    added = " ".join(word for _, _, _, first, last in between for word in of_other[first:last])
    return not any(map(str.isdigit, added)) and not has_qualifier(added)


def _words(text: str) -> list[str]:
    words: list[str] = []
    for word in _WORD.findall(text.casefold()):
        words.extend(word if _UNSPACED.search(word) else [word])
    return words


def _shingles(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + _SHINGLE]) for start in range(max(len(words) - _SHINGLE + 1, 1))}
