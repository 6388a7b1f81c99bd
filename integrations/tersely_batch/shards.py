"""What a shard is: a run of rows of one input file, which make one file of the output. Plain values, no logic."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Format = Literal["jsonl", "parquet"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shard(_Value):
    """Rows that are compressed together, and what to call the result.

    Attributes:
        number: its place among all shards, from 0.
        file: the input file's name as the user gave it; stands in every row of the output.
        path: where the file is.
        format: of the file.
        first_row: the number of the first row (JSONL: of the line where the search for it begins), from 1.
        offset: JSONL: the byte where that line begins; Parquet: 0.
        rows: how many rows.
    """

    number: int
    file: str
    path: str
    format: Format
    first_row: int
    offset: int
    rows: int

    @property
    def name(self) -> str:
        """What its files are called, without a suffix."""
        return f"part-{self.number:06d}"


class InputFile(_Value):
    """An input file as it was when the run began.

    Attributes:
        file: its name as the user gave it.
        size: bytes.
        sha256: of its bytes.
        rows: how many rows it has.
    """

    file: str
    size: int
    sha256: str
    rows: int


class Receipt(_Value):
    """Written when all else of a shard is: what became of its rows.

    Attributes:
        shard: its number.
        rows, errors: rows compressed, and rows that could not be.
        missed: of the rows compressed, those whose budget does not hold the most relevant unit.
        original_tokens, compressed_tokens: of the rows that were compressed.
        seconds: wall-clock seconds that it took.
        files: the shard's files, relative to the output folder -> their size in bytes.
    """

    shard: int
    rows: int
    errors: int
    missed: int
    original_tokens: int
    compressed_tokens: int
    seconds: float
    files: dict[str, int]
