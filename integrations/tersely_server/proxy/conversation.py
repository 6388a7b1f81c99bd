"""What a request says, whatever its protocol: the messages, who says them, and where each of their texts stands.

The readers in `protocols/` make it; all that comes after them knows no protocol.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tersely_server.proxy.json_source import Path

MARK = "tersely"


@dataclass(frozen=True)
class Text:
    """A text of a message.

    Attributes:
        path: where its string stands in the request.
        text: the string.
        holders: the objects around it that may carry a mark, from the outside in.
        cut: what goes if nothing of the text is left; None where something has to stand in its place.
        quoted: it is a document's, so that it asks nothing and its tags are text.
    """

    path: Path
    text: str
    holders: tuple[Path, ...]
    cut: Path | None = None
    quoted: bool = False


@dataclass
class Message:
    """What one side says at once: `system`, `user`, `assistant`, `tool`, or whatever role the client wrote."""

    role: Any
    texts: list[Text] = field(default_factory=list)


@dataclass
class Conversation:
    """The messages of a request, in their order.

    Attributes:
        messages: the messages.
        holders: the objects that may carry a mark, by where they stand.
    """

    messages: list[Message] = field(default_factory=list)
    holders: dict[Path, Mapping[str, Any]] = field(default_factory=dict)

    def message(self, role: Any) -> Message:
        """A new message, the last so far."""
        self.messages.append(Message(role))
        return self.messages[-1]

    def content(
        self,
        message: Message,
        value: Mapping[str, Any],
        path: Path,
        *,
        key: str = "content",
        holders: tuple[Path, ...],
        types: Collection[str] = ("text",),
    ) -> None:
        """Add the texts of a content, which is a string or a list of parts.

        Args:
            message: to which they are added.
            value: the object whose content it is; it stands at `path`.
            path: where it stands.
            key: the content's name.
            holders: the objects around the content that may carry a mark.
            types: of the parts that are text.
        """
        content: Any = value.get(key)
        if isinstance(content, str):
            message.texts.append(Text((*path, key), content, holders))
        for index, part in entries(content):
            last = index == len(content) - 1
            self.part(message, part, (*path, key, index), holders=holders, types=types, last=last)

    def part(
        self,
        message: Message,
        part: Mapping[str, Any],
        path: Path,
        *,
        holders: tuple[Path, ...],
        types: Collection[str] = ("text",),
        last: bool,
    ) -> None:
        """Add a part of a content, and its text if it has one.

        If nothing of its text is left, a part goes, unless it is the last, or has fields beside the text. So a cache
        breakpoint, which clients move from the last part of one turn to that of the next, never decides what goes.
        """
        self.holders[path] = part
        text = part.get("text")
        if part.get("type") in types and isinstance(text, str):
            cut = None if last or part.keys() - {"type", "text", MARK} else path
            message.texts.append(Text((*path, "text"), text, (*holders, path), cut))


def entries(values: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects in a list, with their positions; none in what is no list."""
    for index, value in enumerate(values if isinstance(values, list) else ()):
        if isinstance(value, Mapping):
            yield index, value


def plain_message(value: Mapping[str, Any], path: Path, role_before: Any) -> Text | None:
    """The text of a message whose content is a string.

    If nothing of it is left, the message goes, where it carries nothing else and follows one of its role: roles go on
    taking turns.
    """
    content = value.get("content")
    if not isinstance(content, str):
        return None
    alone = value.keys() <= {"type", "role", "content", MARK} and value.get("role") == role_before is not None
    return Text((*path, "content"), content, (path,), path if alone else None)
