"""Two bare strings, a text and a shorter one made from it -> which characters of the text the shorter one kept.

This is for texts of which no account was kept. Each paragraph of the shorter text is looked for by itself, for
documents may have been put in another order.
"""

from __future__ import annotations

from difflib import SequenceMatcher

import regex

from tersely.input import check_text
from tersely.recovery import KeptText, recover, word_spans

_PARAGRAPHS = regex.compile(r"\n\s*\n")


def align(original: str, compressed: str) -> list[KeptText]:
    """For each paragraph of the shorter text what it kept of the original; words that are not there are passed over.

    The same word may have stood elsewhere in the original: long runs of words are found first, and what stands alone
    is looked for between them.
    """
    places = list(word_spans(original))
    # Words that fill more than a hundredth of a long text are no place to begin from: the matcher's own rule, which
    # also keeps its time in bounds.
    original_words = _words(original)
    matcher: SequenceMatcher[str] = SequenceMatcher(None, [], original_words)
    aligned = []
    for paragraph in _PARAGRAPHS.split(compressed):
        words = _words(paragraph)
        matcher.set_seq1(words)
        positions: list[int] = []
        word = place = 0
        for block in matcher.get_matching_blocks():
            if positions and block.size:
                positions += _between(original_words, words[word : block.a], place, block.b)
            positions += range(block.b, block.b + block.size)
            word, place = block.a + block.size, block.b + block.size
        aligned.append(KeptText(index=0, id=None, text=original, kept=[places[position] for position in positions]))
    return aligned


def recover_bare(original_prompt: str, compressed_prompt: str, response: str) -> str:
    """A response with the phrases that came from the compressed prompt in the words of the original.

    Raises:
        InvalidInputError: one of the three is no text.
    """
    texts = {"original_prompt": original_prompt, "compressed_prompt": compressed_prompt, "response": response}
    for name, text in texts.items():
        check_text(text, name)
    return recover(align(original_prompt, compressed_prompt), response).text


def _words(text: str) -> list[str]:
    return [text[start:end].casefold() for start, end in word_spans(text)]


def _between(original: list[str], words: list[str], place: int, end: int) -> list[int]:
    """Where single words stand between two places of the original, in order."""
    positions = []
    for word in words:
        try:
            position = original.index(word, place, end)
        except ValueError:
            continue
        positions.append(position)
        place = position + 1
    return positions
