"""What was kept and why, for people: as HTML, and in a terminal.

Everything shown here is read from a result. Nothing is computed anew, and nothing here is meant for programs: they read
the result itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import NamedTuple, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tersely.outcomes import CompressedDocument, RepairedDocument, SkippedDocument

# Attributes, not colours: they read on dark and on light backgrounds, and to those who see no colours.
_KEPT = "bold"
_DROPPED = "dim"
_INSTEAD = "bold underline"
# Stands for what was dropped where the output can show neither.
_GAP = "[...]"

# Only system colours and the page's own: readable on whatever background a notebook gives.
_CSS = """
.tersely { font: 0.9rem/1.5 system-ui, sans-serif; color: inherit; max-width: 60rem; }
.tersely p { margin: 0.2rem 0; }
.tersely .total { font-size: 1.2rem; font-weight: 600; }
.tersely .quiet { opacity: 0.75; }
.tersely details { border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: 0.4rem;
  margin: 0.5rem 0; padding: 0.3rem 0.7rem; }
.tersely summary { cursor: pointer; }
.tersely .facts { float: right; font-variant-numeric: tabular-nums; opacity: 0.75; }
.tersely .text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.5rem 0; }
.tersely del { opacity: 0.6; text-decoration: line-through; text-decoration-thickness: 1px; }
.tersely mark { background: none; color: inherit; text-decoration: underline dotted; }
"""


class Reported(Protocol):
    """What a report reads of a `CompressionResult`, which can therefore be shown without being known here."""

    documents: list[CompressedDocument]
    skipped: list[SkippedDocument]
    repaired: list[RepairedDocument]
    question: str | None
    method: str
    model: str | None
    tokenizer: str
    target_tokens: int
    original_tokens: int
    compressed_tokens: int
    notes: list[str]
    seconds: dict[str, float]

    @property
    def rate(self) -> float: ...

    @property
    def ratio(self) -> float | None: ...


class _Stretch(NamedTuple):
    """A part of a document's text that was kept or dropped as one; kept perhaps instead of better text."""

    text: str
    kept: bool
    instead: bool


def html_fragment(result: Reported) -> str:
    """The account of a result as a fragment of HTML, such as a notebook shows."""
    question = f"<p><b>Question:</b> {escape(result.question)}</p>" if result.question else ""
    instead = ""
    if any(document.instead for document in result.documents):
        instead = "; what was <mark>kept though a better passage did not fit</mark> is underlined"
    remarks = "".join(f"<p>{escape(line[:1].upper() + line[1:])}</p>" for line in _remarks(result))
    return (
        f'<div class="tersely"><style>{_CSS}</style>'
        f'<p class="total">{escape(_totals(result))}</p>'
        f"<p>{escape(_budget(result))}</p>{question}"
        f'<p class="quiet">{escape(_makers(result))} · {escape(_stages(result))}</p>'
        f'<p class="quiet">In the texts below, what was <del>dropped</del> is dimmed and struck through{instead}.</p>'
        f"{''.join(map(_html_document, result.documents))}{remarks}</div>"
    )


def html_page(result: Reported) -> str:
    """The account of a result as a page of its own, with nothing to load."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Tersely: what was kept</title>'
        "<style>:root { color-scheme: light dark; } body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }"
        f"</style></head>\n<body>{html_fragment(result)}</body></html>\n"
    )


def print_account(result: Reported, console: Console) -> None:
    """Print a row for each document and the totals."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("index", justify="right")
    table.add_column("document", no_wrap=True, overflow="ellipsis")
    if any(document.relevance is not None for document in result.documents):
        table.add_column("relevance", justify="right")
    table.add_column("tokens", justify="right")
    for document in result.documents:
        cells = [str(document.index), _printable(_name(document))]
        if len(table.columns) == 4:
            cells.append(_relevance(document))
        cells.append(f"{document.original_tokens:,} → {_after(document):>7}")
        table.add_row(*(Text(cell, style="" if document.kept else _DROPPED) for cell in cells))
    if result.documents:
        console.print(table)
    for line in _remarks(result):
        console.print(Text(_printable(line)))
    console.print(Text(_totals(result), style=_KEPT))
    console.print(Text(_budget(result)))
    console.print(Text(_printable(_makers(result)), style=_DROPPED))
    console.print(Text(_stages(result), style=_DROPPED))


def print_kept(result: Reported, console: Console) -> None:
    """Print the original documents, what was kept bright and what was dropped dim.

    Where the output shows no such difference (a pipe, a plain terminal), `[...]` stands for what was dropped.
    """
    styled = console.color_system is not None
    for document in result.documents:
        if not document.kept:
            continue
        heading = f"{_name(document)}: {document.original_tokens:,} → {document.compressed_tokens:,} tokens"
        console.rule(Text(_printable(heading)), align="left", style=_DROPPED, characters="─")
        body = Text()
        for text, kept, instead in _stretches(document):
            if kept or styled:
                body.append(_printable(text), style=_INSTEAD if instead else _KEPT if kept else _DROPPED)
            else:
                body.append(_gap(text))
        body.rstrip()
        console.print(body)
        console.print()
    dropped = [document for document in result.documents if not document.kept]
    if dropped:
        console.rule(Text("dropped whole"), align="left", style=_DROPPED, characters="─")
    for document in dropped:
        line = Text(_printable(f"{_name(document)}: {document.original_tokens:,} tokens"), style=_DROPPED)
        console.print(line, no_wrap=True, overflow="ellipsis")


def _html_document(document: CompressedDocument) -> str:
    facts = f"{document.original_tokens:,} → {document.compressed_tokens:,} tokens"
    if not document.kept:
        reason = "" if document.copy_of is None else f": copy of document {document.copy_of}"
        facts = f"{document.original_tokens:,} tokens, dropped whole{reason}"
    if document.relevance is not None:
        facts = f"relevance {_relevance(document)} · {facts}"
    text = "".join(map(_html_stretch, _stretches(document)))
    return (
        f"<details{' open' if document.kept else ''}><summary>{escape(_name(document))} "
        f'<span class="facts">{facts}</span></summary><div class="text">{text}</div></details>'
    )


def _html_stretch(stretch: _Stretch) -> str:
    text = escape(stretch.text)
    if stretch.instead:
        return f'<mark title="kept though a better passage did not fit">{text}</mark>'
    return text if stretch.kept else f"<del>{text}</del>"


def _remarks(result: Reported) -> Iterator[str]:
    """The notes, and a line for each document that was skipped or repaired."""
    yield from result.notes
    for done, documents in (("skipped", result.skipped), ("repaired", result.repaired)):
        for document in documents:
            yield f"{done} document {document.index}{f' ({document.id})' if document.id else ''}: {document.reason}"


def _stretches(document: CompressedDocument) -> Iterator[_Stretch]:
    """The document's text in order."""
    kept_edges, instead_edges = (
        sorted(edge for span in spans for edge in span) for spans in (document.kept, document.instead)
    )
    edges = {0, len(document.document.text), *kept_edges, *instead_edges}
    for start, end in pairwise(sorted(edges)):
        kept, instead = (bisect_right(of_spans, start) % 2 == 1 for of_spans in (kept_edges, instead_edges))
        yield _Stretch(document.document.text[start:end], kept, kept and instead)


def _gap(dropped: str) -> str:
    """`[...]` with the white space around what was dropped, at most one line break of it on each side."""
    if not dropped.strip():
        return dropped
    before = dropped[: len(dropped) - len(dropped.lstrip())]
    after = dropped[len(dropped.rstrip()) :]
    return "".join(["\n" if "\n" in before else before[:1], _GAP, "\n" if "\n" in after else after[:1]])


def _name(document: CompressedDocument) -> str:
    return document.document.title or document.document.id or f"document {document.index}"


def _after(document: CompressedDocument) -> str:
    if document.kept:
        return f"{document.compressed_tokens:,}"
    return "dropped" if document.copy_of is None else f"copy of {document.copy_of}"


def _relevance(document: CompressedDocument) -> str:
    return "" if document.relevance is None else f"{document.relevance:.2f}"


def _totals(result: Reported) -> str:
    ratio = f", {result.ratio:.1f} times shorter" if result.ratio and result.ratio > 1 else ""
    return f"{result.original_tokens:,} → {result.compressed_tokens:,} tokens: {result.rate:.1%} kept{ratio}"


def _budget(result: Reported) -> str:
    if not result.documents:
        return f"budget {result.target_tokens:,} tokens: there was nothing to compress"
    if result.compressed_tokens == result.original_tokens:
        return f"budget {result.target_tokens:,} tokens: everything fits, nothing was dropped"
    used = result.compressed_tokens / result.target_tokens
    return f"budget {result.target_tokens:,} tokens: {result.compressed_tokens:,} used ({used:.1%})"


def _makers(result: Reported) -> str:
    model = f", scored by {result.model}" if result.model else ", nothing scored"
    return f"method {result.method}{model}, tokens of {result.tokenizer}"


def _stages(result: Reported) -> str:
    stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in result.seconds.items())
    return f"{sum(result.seconds.values()):.2f} s ({stages})"


def _printable(text: str) -> str:
    """Text that cannot steer a terminal: escape sequences in a document are shown, not obeyed."""
    return text.replace("\x1b", "␛").replace("\x9b", "␛")
