"""What is done with every row, the same for a whole run. A run that goes on must have the options it began with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tersely import DEFAULT_MODEL, CacheSettings, CompressionSettings, Compressor, InvalidInputError
from tersely.errors import complaint
from tersely.pipeline import check_call
from tersely_batch.shards import Format


class BatchOptions(BaseModel):
    """How to compress a corpus."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: CompressionSettings = CompressionSettings()
    """For every row; a row of documents may set some for itself."""

    question: str | None = None
    """For rows that have none of their own."""

    instruction: str | None = None
    """For rows that have none of their own."""

    model: str = Field(default=DEFAULT_MODEL, min_length=1)
    """Scores the text, as in `Compressor`."""

    tokenizer: str | None = Field(default=None, min_length=1)
    """Counts the budget, as in `Compressor`."""

    shard_rows: int = Field(default=256, ge=1)
    """Input rows of an output file: what is in memory at once, and the most that a killed worker does again."""

    format: Format | None = None
    """Of the compressed rows; by default that of the file that they come from."""

    def check(self) -> None:
        """Refuse what no row could be compressed with.

        Raises:
            InvalidInputError: there is no budget, or question or instruction cannot be used.
        """
        # A row may have the question that the method needs.
        method_of_rows = self.settings.model_copy(update={"method": None})
        check_call(method_of_rows if self.question is None else self.settings, self.question, self.instruction)

    def compressor(self) -> Compressor:
        """Load the model. It keeps nothing between rows: a row comes out the same whichever rows came before it.

        Raises:
            ModelError, TokenizerError: it cannot be had.
        """
        nothing = CacheSettings(memory_bytes=0, disk_bytes=0)
        return Compressor(self.model, tokenizer=self.tokenizer, settings=self.settings, cache=nothing)


def batch_options(**values: Any) -> BatchOptions:
    """Options from plain values.

    Raises:
        InvalidInputError: a name is unknown or a value is out of range; the message names it.
    """
    try:
        return BatchOptions(**values)
    except ValidationError as error:
        raise InvalidInputError(complaint(error, BatchOptions)) from None
