"""Options that several commands have, each said once. What they mean is the library's."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, get_args

import typer

from tersely.settings import MethodName

Rate = Annotated[float | None, typer.Option("--rate", "-r", help="Share of the tokens to keep, in (0, 1].")]
Method = Annotated[str | None, typer.Option("--method", "-m", help=f"One of {', '.join(get_args(MethodName))}.")]
Protect = Annotated[
    list[str] | None, typer.Option(help="A regular expression whose matches survive. Can be given several times.")
]
GapMarker = Annotated[
    str | None, typer.Option(help="Stands wherever something of a document was left out, such as ' [...] '.")
]
Fragments = Annotated[
    bool, typer.Option("--fragments", help="Keep a marked part of a sentence that does not fit whole.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at a document that is bad, instead of repairing it or leaving it out.")
]
Model = Annotated[str, typer.Option(help="Scores the text: the embedded one, a folder, a .gguf file or a Hub id.")]
Tokenizer = Annotated[
    str | None, typer.Option(help="Counts the budget: a tiktoken encoding, an OpenAI model, a folder or a Hub id.")
]


class EngineName(str, Enum):
    """Who does the work."""

    in_process = "in-process"
    ray = "ray"
