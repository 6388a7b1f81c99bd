"""Corpora, compressed file by file: `compress_corpus` is `tersely batch` for programs.

A row of the input is one prompt (`documents`, and perhaps a question) or one document (`text`); a row of the output is
a `CompressedRow`, or a `BadRow` beside them.
"""

from tersely_batch.options import BatchOptions
from tersely_batch.rows import BadRow, CompressedRow, KeptDocument
from tersely_batch.run import Totals, compress_corpus

__all__ = ["BadRow", "BatchOptions", "CompressedRow", "KeptDocument", "Totals", "compress_corpus"]
