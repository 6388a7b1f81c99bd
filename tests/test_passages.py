"""Documents in passages: each token is read once, passages end where units end, and titles are read with each."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import CONTEXT_LENGTH
from doubles import FakeScorer
from tersely import Document
from tersely.budget.rendering import with_title
from tersely.methods.evidence.passages import PASSAGE_TOKENS, _start_with_context
from tersely.methods.evidence.token_scores import (
    TokenScores,
    attention_scores,
    contrast_scores,
    prefetch_requests,
)
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.text.segmentation import SegmentedDocument, segment_documents

QUESTION = "When was the mill built?"
LEAD_IN = "\n\nQuestion:"
SENTENCES = [f"Sentence {i} has {' and '.join(f'word{j}' for j in range(i % 7 + 1))}." for i in range(150)]


class Recording(FakeScorer):
    """Remembers what it was asked."""

    def __init__(self, context_length: int = FakeScorer.context_length) -> None:
        self.context_length = context_length
        self.requests = []

    def attend(self, requests, heads, **options):
        for request in requests:
            assert request.prefix and request.tokens
            assert len(request.prefix) + len(request.tokens) <= self.context_length
        self.requests.extend(requests)
        return super().attend(requests, heads, **options)


class Read(NamedTuple):
    """All that a call said and asked; `starts` are the positions of the tokens at which units start."""

    documents: list[SegmentedDocument]
    readings: list[TokenScores]
    encodings: list[list[int]]
    starts: list[set[int]]
    scorer: Recording
    passages: list[list[int]]  # the tokens of each, with those of a repeated title


def read(*documents: Document | str, question: str = QUESTION, scorer: Recording | None = None) -> Read:
    scorer = scorer or Recording()
    usable = [Document(text=one) if isinstance(one, str) else one for one in documents]
    segmented = segment_documents(list(enumerate(usable)))
    readings = attention_scores(scorer, segmented, question, scorer.heads, lambda share: None)
    encodings, starts = [], []
    for one in segmented:
        encoding = scorer.encode(with_title(one.document.title, one.document.text))
        encodings.append(encoding.tokens)
        before = len(one.document.title) + 1 if one.document.title else 0
        ends = np.array([end - before for _, end in encoding.offsets])
        starts.append(
            {
                int(np.searchsorted(ends, one.words[_start_with_context(unit)].start, side="right"))
                for unit in one.units[1:]
            }
        )
    lead_in, start = scorer.encode(LEAD_IN).tokens, scorer.encode("\n").tokens
    passages = []
    for request in scorer.requests:
        assert list(request.prefix[-len(lead_in) - 1 : -1]) == lead_in
        assert list(request.prefix[: len(start)]) == start, "no token of a passage is the first that the model reads"
        passages.append(list(request.prefix[len(start) : -len(lead_in) - 1]))
    return Read(segmented, readings, encodings, starts, scorer, passages)


def check(found: Read) -> None:
    """Each token belongs to one passage, in order, and to the one in which it was read."""
    expected = 0
    for one, reading, tokens, starts in zip(
        found.documents, found.readings, found.encodings, found.starts, strict=True
    ):
        numbers = reading.passages
        assert len(numbers) == len(tokens) == len(reading.ends) == len(reading.question)
        assert reading.values.shape == (len(found.scorer.heads), len(tokens))
        assert np.isfinite(reading.values).all() and np.isfinite(reading.question).all()
        assert sorted(set(numbers.tolist())) == list(range(expected, int(numbers[-1]) + 1)), "no other document's"
        assert (np.diff(numbers) >= 0).all()
        expected = int(numbers[-1]) + 1
        edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(tokens)]
        for first, last in pairwise(edges):
            passage = found.passages[int(numbers[first])]
            own = passage[len(passage) - (last - first) :]
            assert own == tokens[first:last]
            repeated = passage[: len(passage) - len(own)]
            assert repeated == ([] if first == 0 else tokens[: len(repeated)])
            assert len(passage) <= PASSAGE_TOKENS
            if last < len(tokens):
                # Where a passage ends within a unit, there was no unit's start in all of it.
                assert last in starts or not any(start in starts for start in range(first + 1, last))
            if first and (one.document.title or "").strip():
                assert repeated
    assert expected == len(found.passages)


def test_a_short_document_is_one_passage() -> None:
    found = read(Document(text="The mill was built in 1820. It is old.", title="The old mill"), "Another text.")
    check(found)
    assert found.passages == found.encodings
    asked = found.scorer.encode(f" {QUESTION}").tokens
    assert all([request.prefix[-1], *request.tokens] == asked for request in found.scorer.requests)


def test_a_long_document_is_read_in_whole_sentences_with_its_title_before_each_part() -> None:
    title = "A title of six words here"
    found = read(Document(text=" ".join(SENTENCES), title=title), Document(text=" ".join(SENTENCES[::-1])))
    check(found)
    of_title = found.scorer.encode(title).tokens
    numbers = found.readings[0].passages
    assert numbers[-1] >= 2
    for number in range(1, int(numbers[-1]) + 1):
        assert found.passages[number][: len(of_title)] == of_title
        assert int(np.flatnonzero(numbers == number)[0]) in found.starts[0], "it starts with a sentence"


def test_what_is_said_of_a_token_is_said_of_it_and_not_of_its_neighbour() -> None:
    text = " ".join(["zebra" if i % 50 == 30 else f"horse{i}" for i in range(600)])
    found = read(Document(text=text, title="Animals"), question="Which zebra is it?")
    check(found)
    (reading,) = found.readings
    is_zebra = np.array([text[:end].endswith("zebra") for end in np.maximum(reading.ends, 0)])
    assert is_zebra.sum() == 12
    for number in set(reading.passages[is_zebra].tolist()):
        here = reading.passages == number
        assert (reading.values[:, here & is_zebra].min(axis=1) > reading.values[:, here & ~is_zebra].max(axis=1)).all()


def test_values_are_logarithms_of_attention() -> None:
    found = read("The mill was built in 1820.")
    scorer = found.scorer
    (seen,) = FakeScorer.attend(scorer, scorer.requests, scorer.heads)
    start, length = len(scorer.encode("\n").tokens), len(found.encodings[0])
    np.testing.assert_allclose(found.readings[0].values, np.log(seen.weights[:, start : start + length]), atol=1e-3)


@pytest.mark.parametrize("read_documents", [attention_scores, contrast_scores])
def test_what_a_passage_makes_more_likely_counts_and_what_it_does_not_speak_of_does_not(read_documents) -> None:
    class Knowing(FakeScorer):
        """Finds the second, third, ... token of the question so likely after each document."""

        after = ([-1.0, -4.0, -6.0], [-3.0, -4.0, -0.0])

        def score(self, requests, progress=None):
            found = []
            for request in requests:
                after = [self.after[n] for n, first in enumerate(firsts) if first in request.prefix[1:2]]
                found.append(np.array(after[0] if after else [0.0] * len(request.tokens), dtype=np.float32))
            return found

    texts = ["The mill was built.", "Of its age"]
    firsts = [FakeScorer().encode(text).tokens[0] for text in texts]
    documents = segment_documents([(number, Document(text=text)) for number, text in enumerate(texts)])
    arguments = (FakeScorer.heads,) if read_documents is attention_scores else ()
    readings = read_documents(Knowing(), documents, "How old is it?", *arguments, lambda share: None)
    # Means: -2, -4, -3.
    np.testing.assert_allclose(readings[0].question, 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(readings[1].question, 1)


def test_a_question_of_one_token_is_read_too() -> None:
    found = read("The mill was built in 1820.", "Why", question="Why")
    check(found)
    assert len({tuple(request.tokens) for request in found.scorer.requests}) == 1


def test_what_is_read_ahead_is_all_that_stands_before_any_question() -> None:
    found = read(Document(text=" ".join(SENTENCES), title="Title"), "Another text.")
    ahead = prefetch_requests(found.scorer, found.documents, found.scorer.heads)
    assert [one.prefix[:-1] for one in ahead] == [one.prefix[:-1] for one in found.scorer.requests]


@pytest.mark.parametrize("text", ["word " * 2000, "a" * 3000, "日本語" * 500, f"{'word ' * 700}. {'Short one. ' * 5}"])
def test_a_unit_longer_than_a_passage_is_cut(text) -> None:
    check(read(text, Document(text=text, title="T")))


@pytest.mark.parametrize("title_words", [1, 60, 70, 300, 1000])
def test_titles_of_any_length(title_words) -> None:
    title = " ".join(f"title{i}" for i in range(title_words))
    found = read(Document(text=" ".join(SENTENCES), title=title), Document(text="Short.", title=title))
    check(found)


def test_white_space_around_text_and_title() -> None:
    check(read(Document(text=" \n\n The mill. \n", title=" The title "), Document(text="\tOne. Two. ", title="\n")))


def test_a_question_longer_than_the_model_reads_is_cut_at_its_beginning() -> None:
    question = " ".join(f"asked{i}" for i in range(2000)) + " at the end?"
    found = read(" ".join(SENTENCES), question=question)
    check(found)
    asked = found.scorer.encode(f" {question}").tokens
    for request in found.scorer.requests:
        tokens = [request.prefix[-1], *request.tokens]
        assert len(tokens) <= found.scorer.context_length // 2
        assert tokens == asked[-len(tokens) :]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.builds(
            Document,
            text=st.lists(
                st.sampled_from([*SENTENCES[:8], "# Head\n\n", "- item\n", "日本語。", "no end", "\n"]), max_size=60
            ).map(lambda parts: f"{' '.join(parts)} ."),
            title=st.none() | st.sampled_from(["Title", "A longer title of more words " * 3, " ", "x\ny"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 80),
    st.integers(16, 300),
)
def test_each_token_belongs_to_one_passage(documents, question_words, context_length) -> None:
    check(read(*documents, question="why " * question_words, scorer=Recording(context_length)))


@pytest.mark.parametrize("title", [None, "T", "A title that is much too long for it, by far, " * 3])
@pytest.mark.parametrize("question", [QUESTION, "Why? " * 100])
def test_models_with_a_short_context(tiny_llama, tiny_gpt2, title, question) -> None:
    text = "The mill was built in 1820. It is old. And this sentence is longer than what the model can read at once."
    documents = segment_documents(list(enumerate([Document(text=text, title=title), Document(text="日本 😀.")])))
    for folder in (tiny_llama, tiny_gpt2):
        scorer = CausalLanguageModelScorer(str(folder), dtype="float32")
        assert scorer.context_length == CONTEXT_LENGTH
        for readings in (
            attention_scores(scorer, documents, question, scorer.heads[:2], lambda share: None),
            contrast_scores(scorer, documents, question, lambda share: None),
        ):
            for one, reading in zip(documents, readings, strict=True):
                encoding = scorer.encode(with_title(one.document.title, one.document.text))
                assert len(reading.ends) == len(encoding.tokens)
                assert reading.ends[-1] == len(one.document.text)
                assert np.isfinite(reading.values).all() and np.isfinite(reading.question).all()
                assert (reading.question >= 0).all()


def test_contrast_is_what_the_question_makes_likelier() -> None:
    class Biased(FakeScorer):
        def score(self, requests, progress=None):
            found = []
            for request in requests:
                likely = self.encode("river").tokens[0] if len(request.prefix) > 1 else None
                found.append(np.array([-1.0 if token == likely else -5.0 for token in request.tokens], np.float32))
            return found

    texts = [Document(text="some words of a river here", title="Title"), Document(text="river " * 600)]
    documents = segment_documents(list(enumerate(texts)))
    readings = contrast_scores(Biased(), documents, QUESTION, lambda share: None)
    assert readings[0].values.tolist() == [[0, 0, 0, 0, 0, 4, 0]]
    assert readings[0].ends[0] <= 0 < readings[0].ends[1]
    assert set(readings[1].values[0][:-1].tolist()) == {4.0}
    assert readings[1].passages.tolist() == sorted(readings[1].passages.tolist()) and readings[1].passages[0] == 1


def test_progress_is_passed_on(tiny_llama) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_llama), dtype="float32")
    documents = segment_documents([(0, Document(text="The mill was built in 1820."))])
    for shares in ([], []):
        attention_scores(scorer, documents, QUESTION, scorer.heads, shares.append)
        assert shares[-1] == 1
        contrast_scores(scorer, documents, QUESTION, shares.append)
        assert shares[-1] == 1
