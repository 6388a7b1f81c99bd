"""What a stand-in upstream answers in Anthropic's and OpenAI's newer protocol, at once and as a stream."""

from __future__ import annotations

import json
from typing import Any

MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "a-model",
    "content": [{"type": "text", "text": "In 1820."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2, "cache_read_input_tokens": 1},
}
OUTPUT: dict[str, Any] = {
    "type": "message",
    "id": "out_1",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "In 1820.", "annotations": []}],
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "a-model",
    "status": "completed",
    "output": [OUTPUT],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


MESSAGE_EVENTS = [
    event("message_start", message={**MESSAGE, "content": [], "stop_reason": None}),
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("ping"),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "In"}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": " 1820 – é"}),
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 2}),
    event("message_stop"),
]
_PLACE: dict[str, Any] = {"item_id": "out_1", "output_index": 0, "content_index": 0, "logprobs": []}
RESPONSE_EVENTS = [
    event("response.created", response={**RESPONSE, "status": "in_progress", "output": []}, sequence_number=0),
    event("response.output_text.delta", **_PLACE, delta="In", sequence_number=1),
    event("response.output_text.delta", **_PLACE, delta=" 1820 – é", sequence_number=2),
    event("response.completed", response=RESPONSE, sequence_number=3),
]
# What a path is answered with that ends so, and the events of its stream.
ANSWERS: dict[str, tuple[Any, list[bytes]]] = {
    "/messages": (MESSAGE, MESSAGE_EVENTS),
    "/messages/count_tokens": ({"input_tokens": 9}, []),
    "/responses": (RESPONSE, RESPONSE_EVENTS),
    "/responses/input_tokens": ({"object": "response.input_tokens", "input_tokens": 9}, []),
}
