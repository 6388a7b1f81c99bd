"""Text -> words and units: what may be kept or left out as one, and what has to stay with it."""

from tersely.text.lexical import LexicalIndex, content_words, document_words, stop_words
from tersely.text.patterns import check_size, compiled, pattern_source
from tersely.text.qualifiers import has_qualifier
from tersely.text.segmentation import (
    SegmentCache,
    SegmentedDocument,
    Segments,
    Separator,
    Unit,
    segment_documents,
    unit_text,
    with_separators,
)
from tersely.text.sentences import split_sentences
from tersely.text.structure import READERS, split_blocks
from tersely.text.words import Word, split_runs, split_words

__all__ = [
    "READERS",
    "LexicalIndex",
    "SegmentCache",
    "SegmentedDocument",
    "Segments",
    "Separator",
    "Unit",
    "Word",
    "check_size",
    "compiled",
    "content_words",
    "document_words",
    "has_qualifier",
    "pattern_source",
    "segment_documents",
    "split_blocks",
    "split_runs",
    "split_sentences",
    "split_words",
    "stop_words",
    "unit_text",
    "with_separators",
]
