"""Values for the examples of the OpenAPI document: a question about a mill, and a conversation about it."""

from __future__ import annotations

from typing import Any

MILL = (
    "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros, "
    "after years of decay. Its roof had fallen in, and nobody had lived there since the war."
)
_KEPT = (
    "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros, "
    "after years of decay."
)
QUESTION = "When was the mill sold?"
DOCUMENT = {"text": MILL, "id": "mill"}
RESULT: dict[str, Any] = {
    "prompt": f"{_KEPT}\n\n{QUESTION}",
    "context": _KEPT,
    "documents": [
        {
            "index": 0,
            "document": {**DOCUMENT, "title": None, "metadata": {}, "keep": False, "keep_passages": []},
            "kept": [[0, 131]],
            "text": _KEPT,
            "relevance": 2.26,
            "original_tokens": 55,
            "compressed_tokens": 40,
            "short_title": None,
            "instead": [],
            "copy_of": None,
        }
    ],
    "skipped": [],
    "repaired": [],
    "question": QUESTION,
    "instruction": None,
    "method": "evidence",
    "model": "smollm2-135m-instruct",
    "tokenizer": "o200k_base",
    "target_tokens": 41,
    "original_tokens": 55,
    "compressed_tokens": 40,
    "left_out": [
        {"index": 0, "id": "mill", "span": [132, 197], "tokens": 15, "budget": 15, "relevance": -1.05},
    ],
    "smallest_useful_budget": None,
    "notes": ["unused: 1 of 41 tokens, next unit needs 15 tokens"],
    "seconds": {"segment": 0.001, "rank": 0.08, "score": 0.001, "fit": 0.001, "render": 0.001},
    "unused_tokens": 1,
    "rate": 0.7272727272727273,
    "ratio": 1.375,
}


RETRIEVED = "9d3c5b4f6a7e8d9c0b1a2f3e"
_CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"query": "old mill"}'}}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "user", "content": QUESTION},
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": MILL},
]
SHORTER: dict[str, Any] = {
    "messages": [*CONVERSATION[:2], {**CONVERSATION[2], "content": f"{_KEPT} [...]"}],
    "tokens_before": 61,
    "tokens_after": 49,
    "tokens_saved": 12,
    "compression_ratio": 0.803,
    "transforms_applied": ["tersely:evidence:message-2"],
    "ccr_hashes": [RETRIEVED],
    "texts": [
        {"message": 2, "original_tokens": 55, "compressed_tokens": 43, "method": "evidence", "id": RETRIEVED},
    ],
    "notes": [],
}
