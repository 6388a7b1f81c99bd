"""Examples in which one attention head tells evidence."""

from __future__ import annotations


def rows(number: int = 6) -> list[dict]:
    return [
        {
            "id": str(i),
            "question": f"Who is in {i}?",
            "answers": [f"Jan {i}"],
            "documents": [{"text": f"Jan {i} is. No one."}, {"text": "Sun. Rain."}],
            "gold": [0],
        }
        for i in range(number)
    ]
