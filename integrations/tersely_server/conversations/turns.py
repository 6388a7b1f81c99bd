"""What the user asks in each turn of a conversation.

What the client sends between two messages of the assistant is one turn, and comes in one request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

_ANSWERS = ("assistant", "tool", "function")


class Said(NamedTuple):
    """A message's role, and its text that is not context."""

    role: Any
    text: str


def questions_of_turns(messages: Sequence[Said]) -> list[str | None]:
    """For each message what the user asks in its turn, at this message or last before it; None where nothing was asked.

    Only where nothing has been asked in the turn yet, and the message is no tool's result, does a question count that
    follows in the same turn: context that stands before its question, such as in the system message. So no later turn
    changes what the question of a message is.
    """
    following = _following(messages)
    questions = []
    asked, in_this_turn = None, False
    for message, ahead in zip(messages, following, strict=True):
        if message.role == "assistant":
            in_this_turn = False
        if _asks(message):
            asked, in_this_turn = message.text, True
        questions.append(asked if in_this_turn or ahead is None else ahead)
    return questions


def _following(messages: Sequence[Said]) -> list[str | None]:
    """For each message what the user asks next after it in its turn; None for answers."""
    following: list[str | None] = []
    ahead = None
    for message in reversed(messages):
        if message.role in _ANSWERS:
            ahead = None
        following.append(ahead)
        if _asks(message):
            ahead = message.text
    return following[::-1]


def _asks(message: Said) -> bool:
    return message.role == "user" and bool(message.text)
