"""A run that nobody took: figures from a seed, as real ones look, and examples with real documents."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from tersely import Span
from tersely_eval.measure import Example, Measurement, Run, RunDescription

# Chance of a kept answer at rate 1, how fast it falls, seconds for 1,000 tokens.
METHODS = {
    "evidence": (1.0, 0.06, 0.5),
    "bm25_sentences": (0.98, 0.20, 0.006),
    "bm25_documents": (0.97, 0.22, 0.005),
    "longllmlingua": (0.85, 0.17, 3.2),
    "llmlingua": (0.8, 0.18, 2.1),
    "truncation": (0.95, 0.27, 0.004),
}
RATES = (0.5, 0.25, 0.125)
DESCRIPTION = RunDescription(
    command="tersely eval questions.jsonl --rates 0.5,0.25,0.125",
    date="2026-01-31",
    tersely="0.1.0",
    model="smollm2-135m-instruct",
    tokenizer="cl100k_base",
    machine="a processor, 2 cores (2 used), torch 2.13.0+cpu, bfloat16",
)


def synthetic_run(
    questions: Sequence[dict] = (), *, data_sets: Sequence[str] = ("hotpot-dev",), methods: int = 6, number: int = 50
) -> Run:
    """A run over this many questions of each data set; the questions given are shown as examples."""
    chance = random.Random(0)
    profiles = [(f"{name}-{copy}" if copy else name, *profile) for copy in (0, 1) for name, profile in METHODS.items()]
    measurements = []
    for data_set in data_sets:
        for position in range(number):
            identity = questions[position]["id"] if position < len(questions) else f"q{position}"
            original, difficulty = int(chance.lognormvariate(7.2, 0.35)), chance.gauss(0, 0.1)
            for name, best, fall, pace in profiles[:methods]:
                for halvings, rate in enumerate(RATES, start=1):
                    target = int(original * rate)
                    kept = chance.random() < best - fall * halvings + difficulty
                    measurements.append(
                        Measurement(
                            data_set=data_set,
                            question=identity,
                            method=name,
                            rate=rate,
                            original_tokens=original,
                            target_tokens=target,
                            tokens=_delivered(name, target, chance),
                            answer_kept=None if position % 17 == 16 else kept,
                            support_kept=0.0 if "lingua" in name else min(1.0, round(2 * chance.random() + kept) / 2),
                            units_whole=0.02 if "lingua" in name else 1.0,
                            context_missing=0.0,
                            cut_units=40 if "lingua" in name else 0,
                            gold_found=1.0 if kept else 0.5,
                            recall=chance.choice([0.5, 1.0, 1.0]) if name != "truncation" else None,
                            broken_words=chance.choice([0, 0, 1, 4]) if "lingua" in name else 0,
                            seconds=pace * original / 1000 * chance.lognormvariate(0, 0.2),
                        )
                    )
    return Run(DESCRIPTION, measurements, [_example(one, data_sets[0], profiles[:methods]) for one in questions])


def _delivered(method: str, target: int, chance: random.Random) -> int:
    if method.startswith("llmlingua") and chance.random() < 0.06:
        return round(target * chance.uniform(1.01, 1.15))
    return round(target * chance.uniform(0.9 if "sentences" in method else 0.98, 1))


def _example(question: dict, data_set: str, profiles: Sequence[tuple]) -> Example:
    chance = random.Random(question["id"])
    texts = [document["text"] for document in question["documents"]]
    evidence = [(one["document"], one["text"]) for one in question["support"]]
    kept = {}
    for name, *_ in profiles:
        unit = r"\S+" if "lingua" in name else r"\S[^.!?]*[.!?]*"
        pieces = [(i, Span(*match.span())) for i, text in enumerate(texts) for match in re.finditer(unit, text)]
        if "truncation" not in name:
            chance.shuffle(pieces)
        if name.startswith("evidence"):
            pieces = [
                (i, Span(texts[i].index(text), texts[i].index(text) + len(text))) for i, text in evidence
            ] + pieces
        left = sum(map(len, texts)) // 4
        spans: list[list[Span]] = [[] for _ in texts]
        for i, (start, end) in pieces:
            if end - start > left:
                break
            left -= end - start
            spans[i].append(Span(start, end))
        kept[name] = [sorted(set(one)) for one in spans]
    return Example(
        data_set=data_set,
        question_id=question["id"],
        question=question["question"],
        answers=tuple(question["answers"]),
        documents=[(document.get("title", ""), document["text"]) for document in question["documents"]],
        kept=kept,
        rate=0.25,
    )
