"""What is sent means what the documents said: nothing cut, nothing under another's name, nothing without what it needs.

For every kind of text, as a user gets it who sets nothing.
"""

from __future__ import annotations

import math

import pytest
from meaning.entries import Entry
from meaning.inputs import INPUTS

from tersely import Compressor


@pytest.mark.model
@pytest.mark.parametrize(
    ("entry", "rate"),
    [pytest.param(entry, rate, id=f"{entry.name}-{rate}") for entry in INPUTS for rate in entry.rates],
)
def test_what_is_sent_means_what_the_documents_said(real_compressor: Compressor, entry: Entry, rate: float) -> None:
    result = real_compressor.compress(entry.documents, question=entry.question, rate=rate)
    assert result.compressed_tokens <= result.target_tokens <= math.ceil(result.original_tokens * rate)
    assert entry.hard_faults(result.context) == [], result.context
