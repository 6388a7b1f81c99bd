"""Documents about a meeting."""

from __future__ import annotations

from tersely import (
    Document,
)

QUESTION = "Where did the meeting take place?"
DOCUMENTS = [
    "The meeting took place in Vienna in October 2009. About 1,850 people came, and it rained all day long.",
    {"text": "Nothing of note happened in the other town. People went to work as they always did.", "id": 7},
    Document(text="A third document speaks of something else again.", title="Third", metadata={"source": object()}),
]
