"""The strings of a server's tokens -> where in the text each stands. A server says which tokens, not where they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import regex

_SPACE = "▁"  # SentencePiece's
_BYTE = regex.compile(r"<0x([0-9A-Fa-f]{2})>")


def offsets_of(text: str, tokens: Sequence[str]) -> list[tuple[int, int]] | None:
    """For each token the characters `(start, end)` of the text; None where the tokens do not spell it.

    Tokens are spelled as GPT-2's kind (a letter for each byte) or as SentencePiece's. A token that is a part of a
    character ends where the character does.
    """
    for spell in (_letters_for_bytes, _sentence_pieces):
        spelled = spell(tokens)
        if spelled is None:
            continue
        joined, whole = b"".join(spelled), text.encode()
        extra = len(joined) - len(whole)
        # SentencePiece puts a space before a text.
        if joined[max(extra, 0) :] == whole and joined[: max(extra, 0)].strip(b" ") == b"" and extra in (0, 1):
            return _characters(text, [len(piece) for piece in spelled], extra)
    return None


def _characters(text: str, sizes: Sequence[int], extra: int) -> list[tuple[int, int]]:
    character_of_byte = [number for number, character in enumerate(text) for _ in character.encode()]
    offsets, position = [], -extra
    for size in sizes:
        first, last = max(position, 0), max(position + size, 0)
        start = character_of_byte[first] if first < len(character_of_byte) else len(text)
        end = character_of_byte[last - 1] + 1 if last > first else start
        offsets.append((start, end))
        position += size
    return offsets


def _letters_for_bytes(tokens: Sequence[str]) -> list[bytes] | None:
    alphabet = _byte_of_letter()
    try:
        return [bytes(alphabet[letter] for letter in token) for token in tokens]
    except KeyError:
        return None


def _sentence_pieces(tokens: Sequence[str]) -> list[bytes]:
    return [
        bytes([int(byte[1], 16)]) if (byte := _BYTE.fullmatch(token)) else token.replace(_SPACE, " ").encode()
        for token in tokens
    ]


@cache
def _byte_of_letter() -> dict[str, int]:
    """GPT-2's letter for each byte: itself where it is printed, else one from 256 on, in order."""
    printed = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {chr(byte): byte for byte in printed}
    others = (byte for byte in range(256) if byte not in printed)
    return letters | {chr(256 + number): byte for number, byte in enumerate(others)}
