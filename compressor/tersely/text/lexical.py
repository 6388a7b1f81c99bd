"""Words that a text shares with a question: BM25, and how much of a title a text names. Runs no model."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import regex
import Stemmer

from tersely.text.segmentation import DocumentWords, SegmentedDocument, own_text, unit_text
from tersely.text.stop_words import load_bm25s, stop_words

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}ー々〆\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD_OF_PAIRS = regex.compile(rf"[{_UNSPACED}]")
_WORD = regex.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|[^\W{_UNSPACED}]+")


def content_words(text: str) -> list[str]:
    """The words that tell what a text is about: in lower case, stemmed as English, without English stop words.

    Where a script writes no spaces, each two neighbouring characters are a word, as search engines have it.
    """
    words: list[str] = []
    stop_list = stop_words()
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        run = match.group()
        if match["unspaced"]:
            words.extend(run[start : start + 2] for start in range(max(len(run) - 1, 1)))
        elif run not in stop_list:
            words.append(run)
    # A new one, since threads must not share a stemmer; without its cache, which takes longer to make than it saves.
    stems: list[str] = Stemmer.Stemmer("english", 0).stemWords(words)
    return stems


def word_parts(words: Iterable[str]) -> list[str]:
    """Each three neighbouring characters of each word, its beginning and end marked.

    So words match that differ in an ending or in a part of a compound, in any language. What a script without spaces
    has for words is short, and stays whole.
    """
    parts: list[str] = []
    for word in words:
        if _WORD_OF_PAIRS.match(word):
            parts.append(word)
        else:
            marked = f"<{word}>"
            parts.extend(marked[start : start + 3] for start in range(len(marked) - 2))
    return parts


def document_words(segmented: SegmentedDocument) -> DocumentWords:
    """Content words of a document's title and units; cached in the document."""
    cache = segmented.cache
    if cache.content_words is None:
        title = content_words(segmented.title or "")
        units = [content_words(unit_text(segmented, unit)) for unit in segmented.units]
        own = [
            content_words(own_text(segmented, unit)) if unit.context else words
            for unit, words in zip(segmented.units, units, strict=True)
        ]
        cache.content_words = DocumentWords(title, units, own, [word_parts(title + words) for words in units])
    return cache.content_words


class LexicalIndex:
    """Which words stand in which of a few texts, and how rare each is among them.

    Args:
        texts: the content words of each.
    """

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._size = len(texts)
        self._texts_with = Counter(word for text in texts for word in set(text))
        if self._texts_with:
            self._index = load_bm25s().BM25()
            numbers = {word: number for number, word in enumerate(self._texts_with)}
            self._index.index(([[numbers[word] for word in text] for text in texts], numbers), show_progress=False)

    def scores(self, words: Iterable[str]) -> np.ndarray:
        """How well each text matches the words (BM25 with the parameters that bm25s has by default).

        Returns:
            float32, one a text, not negative; 0 where it has none of the words.
        """
        shared = sorted(set(words) & self._texts_with.keys())
        return self._index.get_scores(shared) if shared else np.zeros(self._size, dtype=np.float32)

    def named_share(self, title: Iterable[str], words: set[str]) -> float:
        """The share of a title's words that are among `words`, rare ones counting more; 0 for an empty title."""
        rarity = {word: self._rarity(word) for word in title}
        return sum(rarity[word] for word in rarity.keys() & words) / sum(rarity.values()) if rarity else 0.0

    def _rarity(self, word: str) -> float:
        """The inverse document frequency of BM25; more than 0."""
        number = self._texts_with[word]
        return math.log(1 + (self._size - number + 0.5) / (number + 0.5))
