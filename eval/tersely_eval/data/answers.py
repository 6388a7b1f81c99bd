"""Whether an answer stands in a text, by string comparison as SQuAD does it. No model judges."""

from __future__ import annotations

from collections.abc import Sequence

import regex

_PUNCTUATION = regex.compile(r"[\p{Punctuation}\p{Symbol}]")
# A character of a script that puts no spaces between words.
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
HAS_UNSPACED = regex.compile(UNSPACED)
_ARTICLE = regex.compile(r"\b(?:a|an|the)\b")


def normalise(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces: as SQuAD compares answers."""
    return " ".join(_ARTICLE.sub(" ", _PUNCTUATION.sub(" ", text.lower())).split())


def answer_kept(context: str, answers: Sequence[str]) -> bool:
    """Whether any of the answers stands in the context, normalised, in whole words."""
    words = in_words(context)
    return any(answer.strip() and answer in words for answer in map(in_words, answers))


def in_words(text: str) -> str:
    """The text normalised, a space around each word, and around each character of a script without spaces."""
    spaced = HAS_UNSPACED.sub(r" \g<0> ", normalise(text))
    return f" {' '.join(spaced.split())} "
