"""Questions with their documents: read from files of several formats, or made from Python's own reference."""

from __future__ import annotations

from tersely_eval.data.answers import HAS_UNSPACED, UNSPACED, answer_kept, in_words, normalise
from tersely_eval.data.datasets import Question, SupportSentence, read_questions
from tersely_eval.data.evidence import evidence_of, read_examples
from tersely_eval.data.formats import parse_fields
from tersely_eval.data.python_reference import PYTHON_REFERENCE, python_reference_questions
from tersely_eval.data.reference_text import cut_passages, reference_sections

__all__ = [
    "HAS_UNSPACED",
    "PYTHON_REFERENCE",
    "UNSPACED",
    "Question",
    "SupportSentence",
    "answer_kept",
    "cut_passages",
    "evidence_of",
    "in_words",
    "normalise",
    "parse_fields",
    "python_reference_questions",
    "read_examples",
    "read_questions",
    "reference_sections",
]
