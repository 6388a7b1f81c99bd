"""What is kept of answers and evidence where the question is taken away.

    python benchmarks/without_question.py DATA.jsonl [DATA2.jsonl ...] --slow-limit 10

Whole units by `salience` beside the first words of the context, the first units of all documents in turn, units drawn
by lot and, on a few questions of each file, words by `llmlingua`. Each gets the same budget, counted alike. Of a file
the first of these counts that it has: the share of its sentences marked as evidence that are whole; the share of
the strings of `needs` that are kept; the share of the questions of which an answer string is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer

from tersely import CacheSettings, Compressor, MethodName
from tersely.budget import Piece, fit, kept_spans, render_context, target_from_rate
from tersely.text.segmentation import SegmentedDocument, segment_documents
from tersely_eval.data import Question, answer_kept
from tersely_eval.measure import answerable, support_kept
from tersely_eval.peers import Selection, truncation

RATES = (0.5, 0.25)
SEEDS = (0, 1, 2)
Count = Callable[[str], int]


class Asked(NamedTuple):
    """A question of the data, and the strings that must all be kept, if it names any."""

    question: Question
    needs: Sequence[str]

    def share_kept(self, selection: Selection) -> float | None:
        """How much of what the question needs is left; None where that cannot be seen."""
        if self.question.support:
            return support_kept(self.question, selection)
        if self.needs:
            return fmean(answer_kept(selection.context, [needed]) for needed in self.needs)
        if self.question.answers and answerable(self.question):
            return float(answer_kept(selection.context, self.question.answers))
        return None


def read_file(path: Path) -> list[Asked]:
    """The questions of a file that need something of the documents."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    fields = ("id", "question", "answers", "documents", "gold", "support")
    asked = [
        Asked(Question.model_validate({field: row[field] for field in fields if field in row}), row.get("needs", ()))
        for row in rows
    ]
    return [question for question in asked if question.question.support or question.needs or question.question.answers]


def units_in_turn(documents: Sequence[SegmentedDocument]) -> list[Piece]:
    """The first unit of every document, then the second of every document, and so on."""
    placed = [
        (place, Piece(position, unit.words.start, unit.words.stop, unit.context))
        for position, segmented in enumerate(documents)
        for place, unit in enumerate(segmented.units)
    ]
    return [piece for _, piece in sorted(placed, key=lambda pair: pair[0])]


def chosen(
    question: Question, target: int, count: Count, sort: Callable[[list[Piece]], Sequence[Piece]] = list
) -> Selection:
    """As many units as fit, whole, in an order."""
    documents = segment_documents(list(enumerate(question.documents)))
    order = range(len(documents))
    masks = fit(documents, order, sort(units_in_turn(documents)), target, count).masks
    spans = {position: kept_spans(documents[position], mask) for position, mask in enumerate(masks) if mask.any()}
    return Selection(render_context(documents, masks, order), spans)


def drawn(seed: int) -> Callable[[list[Piece]], list[Piece]]:
    """Puts units in an order by lot."""
    return lambda pieces: [pieces[position] for position in np.random.default_rng(seed).permutation(len(pieces))]


def row(name: str, shares: dict[float, list[float | None]]) -> str:
    """A line of the table."""
    known = [[share for share in shares[rate] if share is not None] for rate in RATES]
    return f"| {name} | " + " | ".join(f"{fmean(values):.2f} ({len(values)})" for values in known) + " |"


def main(data: list[Path], slow_limit: Annotated[int, typer.Option(min=0)] = 10) -> None:
    """Measure, and print a table for each file; with a limit of 0 without `llmlingua`."""
    compressor = Compressor(tokenizer="cl100k_base", cache=CacheSettings(memory_bytes=0, disk_bytes=0))
    count = compressor.tokenizer.count

    def method(name: MethodName) -> Callable[[Question, int], list[Selection]]:
        return lambda question, target: [
            Selection.of_result(compressor.compress(question.documents, target_tokens=target, method=name))
        ]

    ways: dict[str, Callable[[Question, int], list[Selection]]] = {
        "`salience`": method("salience"),
        "first words": lambda question, target: [truncation(question.documents, "", target, count)],
        "first units in turn": lambda question, target: [chosen(question, target, count)],
        "units by lot": lambda question, target: [chosen(question, target, count, drawn(seed)) for seed in SEEDS],
    }
    slow = {"`llmlingua`": method("llmlingua"), "`salience`, the same": method("salience")}
    for path in data:
        asked = read_file(path)
        print(f"\n{path.stem}\n\n| | " + " | ".join(f"at {rate:g} (questions)" for rate in RATES) + " |")
        print("| --- | " + " | ".join("---" for _ in RATES) + " |")
        for name, way in {**ways, **(slow if slow_limit else {})}.items():
            shares: dict[float, list[float | None]] = {rate: [] for rate in RATES}
            for entry in asked[:slow_limit] if name in slow else asked:
                original = compressor.compress(entry.question.documents, rate=1.0).original_tokens
                for rate in RATES:
                    kept_shares = [
                        entry.share_kept(selection)
                        for selection in way(entry.question, target_from_rate(rate, original))
                    ]
                    known = [share for share in kept_shares if share is not None]
                    shares[rate].append(fmean(known) if known else None)
            print(row(name, shares), flush=True)


if __name__ == "__main__":
    typer.run(main)
