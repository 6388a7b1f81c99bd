"""The methods against their papers' formulas, and against the reference implementation's own numbers.

The numbers in `data/reference_rank.json` were made by llmlingua 0.2.2 with the same weights: see `data/README.md`.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from conftest import DATA, is_used_or_explained
from doubles import FakeScorer
from tersely import Compressor, Document
from tersely.budget.shares import dynamic_rates, select_documents
from tersely.methods import methods_of
from tersely.methods.method import Task
from tersely.methods.papers.iterative import Share, compress_iteratively
from tersely.methods.papers.ranking import RESTRICTIVE_STATEMENT
from tersely.scoring.scorer import ScoringRequest
from tersely.settings import CompressionSettings
from tersely.text.segmentation import segment_documents


@pytest.mark.model
def test_r_k_equals_the_references_to_a_thousandth_and_orders_alike(real_float32_scorer, hotpot) -> None:
    reference = json.loads((DATA / "reference_rank.json").read_text())
    assert reference["suffix"].strip() == RESTRICTIVE_STATEMENT
    rows = {row["id"]: row for row in hotpot}
    for expected in reference["rows"]:
        row = rows[expected["id"]]
        requests = []
        for document in row["documents"]:
            text = reference["document"].format(**document)
            whole = real_float32_scorer.encode(text + row["question"] + reference["suffix"]).tokens
            prefix = len(real_float32_scorer.encode(text).tokens)
            requests.append(ScoringRequest(whole[prefix:], whole[:prefix]))
        r = [-float(np.mean(scores)) for scores in real_float32_scorer.score(requests)]
        np.testing.assert_allclose(r, expected["r"], atol=1e-3)
        assert sorted(range(len(r)), key=r.__getitem__) == expected["order"]


def test_dynamic_rates_are_equation_5() -> None:
    assert dynamic_rates(5, 0.5, 0.3) == pytest.approx([0.8, 0.65, 0.5, 0.35, 0.2])
    assert dynamic_rates(3, 0.1, 0.3) == pytest.approx([0.4, 0.1, 0.0])
    assert dynamic_rates(1, 0.5, 0.3) == pytest.approx([0.8])


def test_documents_are_selected_until_k_times_the_budget() -> None:
    tokens = [100, 100, 100, 100]
    assert select_documents([0.1, 0.4, 0.3, 0.2], tokens, target=100, granularity=2.0) == [1, 2]
    assert select_documents([0.1, 0.4, 0.3, 0.2], tokens, target=101, granularity=2.0) == [1, 2, 3]
    assert select_documents([0.1, 0.4], [5, 5], target=100, granularity=2.0) == [1, 0]


def task_for(texts: list[str], **settings) -> Task:
    return Task(
        documents=segment_documents(list(enumerate(Document(text=text) for text in texts))),
        document_tokens=[len(text.split()) for text in texts],
        target=10,
        question=None,
        settings=CompressionSettings(**settings),
        scorer=FakeScorer(),
        progress=lambda share: None,
    )


@pytest.mark.parametrize(
    ("rate", "kept"),
    [(0.25, ["one", "seven"]), (0.5, ["one three", "seven eight."]), (0.75, ["one three four.", "six seven eight."])],
)
def test_each_segment_keeps_its_best_words_and_conditions_the_next_on_them(rate, kept) -> None:
    """Algorithm 1: the threshold of each segment is the quantile that its rate leaves above it."""
    task = task_for(["one two three four. five six seven eight."], segment_tokens=4)
    worth = {"one": 4, "two": 1, "three": 3, "four.": 2, "five": 1, "six": 2, "seven": 4, "eight.": 3}
    by_token = {task.scorer.encode(word).tokens[0]: value for word, value in worth.items()}
    accepted: list[list[int]] = []
    pieces = compress_iteratively(
        task,
        [Share(0, rate)],
        values=lambda tokens: np.array([by_token.get(token, 0.0) for token in tokens], dtype=float),
        accept=accepted.append,
    )
    text, words = task.documents[0].document.text, task.documents[0].words
    order = [text[words[piece.first].start : words[piece.first].end] for piece in pieces]
    assert set(order[:4]) == {"one", "three", "seven", "eight."}, "the better half of each segment comes first"
    known = [[token for token in tokens if token in by_token] for tokens in accepted]
    assert known == [task.scorer.encode(words).tokens for words in kept]


def test_longllmlingua_keeps_words_that_the_question_makes_likelier() -> None:
    """Equation 3: log p(x | question, before) - log p(x | before), highest first."""

    class Biased(FakeScorer):
        def chain(self, prefixes, shallow=False):
            chain = super().chain(prefixes, shallow)
            of_question = set(self.encode(" river bank").tokens)
            likely = [of_question if len(prefix) > 1 else set() for prefix in prefixes]
            chain.score = lambda tokens: np.array(
                [[-1.0 if token in some else -5.0 for token in tokens] for some in likely]
            )
            return chain

    compressor = Compressor(Biased(), tokenizer="o200k_base")
    text = "some words about a river and about a bank and about other matters of the day"
    result = compressor.compress([text], "Where is it?", target_tokens=2, method="longllmlingua")
    assert result.context == "river bank"


def test_longllmlingua_asks_for_shallow_conditions() -> None:
    asked: list[bool] = []

    class Recording(FakeScorer):
        def score(self, requests, progress=None):
            asked.extend(request.shallow for request in requests)
            return super().score(requests, progress)

        def prepare(self, requests, progress=None):
            asked.extend(request.shallow for request in requests)

        def chain(self, prefixes, shallow=False):
            asked.append(shallow)
            return super().chain(prefixes)

    compressor = Compressor(Recording(), tokenizer="o200k_base")
    compressor.index(["Some words about a river."], method="longllmlingua")
    compressor.compress(["Some words about a river."], "Which?", rate=0.5, method="longllmlingua")
    assert asked == [True] * 3


def test_llmlingua_keeps_surprising_words_and_never_looks_at_the_question() -> None:
    compressor = Compressor(FakeScorer(), tokenizer="o200k_base")
    texts = ["The river bank was flooded in the spring of the year 1820.", "Another text of some other words."]
    contexts = {compressor.compress(texts, question, rate=0.5, method="llmlingua").context for question in ("A?", "B?")}
    assert len(contexts) == 1


@pytest.mark.model
@pytest.mark.parametrize("method", methods_of(FakeScorer()))
def test_budgets_hold_on_real_questions(real_compressor, hotpot, natural_questions, method) -> None:
    rows = [*hotpot[:2], natural_questions[0]]
    for row in rows:
        for rate in (0.5, 0.25, 0.125):
            result = real_compressor.compress(row["documents"], row["question"], rate=rate, method=method)
            assert is_used_or_explained(result)
            assert result.target_tokens == int(rate * result.original_tokens)


@pytest.mark.model
def test_the_documents_with_the_evidence_rank_high(real_compressor, hotpot, natural_questions) -> None:
    found = []
    for row in [*hotpot, *natural_questions]:
        result = real_compressor.compress(row["documents"], row["question"], rate=0.25, method="longllmlingua")
        found += [one.index in row["gold"] for one in result.documents[: len(row["documents"]) // 2]]
    gold = sum(len(row["gold"]) for row in [*hotpot, *natural_questions])
    assert sum(found) >= 0.8 * gold
