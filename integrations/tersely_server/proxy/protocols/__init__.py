"""One file for each protocol: what a request of it says, as a `Conversation`. Nothing is compressed or changed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tersely_server.proxy.conversation import Conversation
from tersely_server.proxy.protocols.chat import read_chat
from tersely_server.proxy.protocols.messages import read_messages
from tersely_server.proxy.protocols.responses import read_responses

Reader = Callable[[Mapping[str, Any]], Conversation]

__all__ = ["Reader", "read_chat", "read_messages", "read_responses"]
