"""What `evidence` costs, in plain passes of its own scorer over the same text.

    python benchmarks/evidence_cost.py DATA.jsonl [DATA2.jsonl ...] --limit 20

For each question, in turns in one run: the scorer's single pass over every document and the question after it (all
log-probabilities read), the same pass with only the question's log-probabilities read, the pass that `evidence` makes,
and the whole of `compress` with `evidence`, from strings to strings. Prints the median of the ratios to the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from speed_measuring import forget

from tersely import CacheSettings, Compressor
from tersely.budget import with_title
from tersely.methods.evidence import profile_for
from tersely.methods.evidence.token_scores import attention_scores
from tersely.scoring import ScoringRequest
from tersely.text.segmentation import segment_documents
from tersely_eval.data import Question, read_questions

RATE = 0.25


def seconds(compressor: Compressor, action: Callable[[], object]) -> float:
    """Wall-clock time of one call, on documents of which nothing is cached from earlier calls."""
    forget(compressor)
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(compressor: Compressor, question: Question) -> dict[str, float]:
    """Seconds of each kind of work on one question."""
    scorer = compressor.scorer
    question_tokens = scorer.encode(f"\n\nQuestion: {question.question}").tokens
    documents = [scorer.encode(with_title(document.title, document.text)).tokens for document in question.documents]
    everything = [ScoringRequest([*tokens, *question_tokens]) for tokens in documents]
    question_only = [ScoringRequest(question_tokens, tokens) for tokens in documents]
    segmented = segment_documents(list(enumerate(question.documents)))
    profile = profile_for(scorer.fingerprint, scorer.name)
    return {
        "one plain pass": seconds(compressor, lambda: scorer.score(everything)),
        "one pass, only the question scored": seconds(compressor, lambda: scorer.score(question_only)),
        "the pass of evidence": seconds(
            compressor,
            lambda: attention_scores(
                scorer,
                segmented,
                question.question,
                profile.head_positions,
                lambda share: None,
            ),
        ),
        "compress with evidence, all in all": seconds(
            compressor, lambda: compressor.compress(question.documents, question.question, rate=RATE, method="evidence")
        ),
    }


def main(data: list[Path], limit: Annotated[int, typer.Option(min=1)] = 20) -> None:
    """Measure, and print a table of medians."""
    compressor = Compressor(tokenizer="cl100k_base", cache=CacheSettings(disk_bytes=0))
    for path in data:
        questions = read_questions(path)[:limit]
        measure(compressor, questions[0])  # the first pass of a process is slow
        rows = [measure(compressor, question) for question in questions]
        print(f"\n{path.stem}, {len(rows)} questions\n\n| work | median seconds | median ratio to a plain pass |")
        print("| --- | --- | --- |")
        for name in rows[0]:
            ratio = median(row[name] / row["one plain pass"] for row in rows)
            print(f"| {name} | {median(row[name] for row in rows):.3f} | {ratio:.2f} |")


if __name__ == "__main__":
    typer.run(main)
