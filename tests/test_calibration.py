"""Calibration finds what it was given to find: known weights, a head that looks at evidence, examples in questions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles import FakeScorer, hash_of
from tersely import Compressor, Document, InvalidInputError, Span
from tersely.methods.evidence.calibration import Example, ExampleSet, area_under_curve, calibrate, logistic_regression
from tersely.methods.evidence.profile import Profile
from tersely.scoring.depth import own_profile_path
from tersely.scoring.scorer import Head

MARK = "herein"  # the word at which the good head looks
GOOD_HEAD = Head(1, 1)


class Marking(FakeScorer):
    """One of its heads looks at evidence, the others at whatever the letters say."""

    def weights(self, request, heads):
        weights = super().weights(request, heads)
        for row, head in zip(weights, heads, strict=True):
            shared = np.array([hash_of(str(token)) % 100 for token in request.prefix[:-1]]) / 1e5
            row[:] = shared + (np.equal(request.prefix[:-1], hash_of(MARK)) / 10 if head == GOOD_HEAD else 0)
        return weights


def example(number: int, *, marked: bool = True) -> Example:
    """A question of which one sentence of one document is evidence and has the mark; none shares parts of its words."""
    texts = []
    for document in range(3):
        sentences = [
            f"Text{number} sentence{document * 5 + i} is about topic{(number * 7 + i) % 11}." for i in range(4)
        ]
        texts.append(sentences)
    texts[number % 3][number % 4] = f"Text{number} sentence{number} {MARK} tells something{number % 5}."
    documents = [Document(text=" ".join(sentences)) for sentences in texts]
    start = documents[number % 3].text.index(texts[number % 3][number % 4])
    span = Span(start, start + len(texts[number % 3][number % 4]))
    return Example(f"What of {'zvk' * (number % 3 + 1)}?", documents, {number % 3: [span]} if marked else {})


def source(name: str = "made.jsonl", number: int = 40, **options) -> ExampleSet:
    return ExampleSet(name, "0" * 64, [example(i, **options) for i in range(number)])


class TestLogisticRegression:
    GENERATOR = np.random.default_rng(0)
    ROWS = GENERATOR.normal(size=(20_000, 3))
    WEIGHTS = np.array([1.5, -0.7, 0.0])
    POSITIVE = GENERATOR.random(20_000) < 1 / (1 + np.exp(-(ROWS @ WEIGHTS - 1.0)))

    def test_recovers_known_weights(self) -> None:
        found = logistic_regression(self.ROWS, self.POSITIVE, np.ones(20_000), ridge=0.01)
        np.testing.assert_allclose(found, self.WEIGHTS, atol=0.06)

    def test_a_sample_that_counts_twice_is_a_sample_that_is_there_twice(self) -> None:
        rows, positive = self.ROWS[:300], self.POSITIVE[:300]
        counts = np.where(np.arange(300) % 3 == 0, 3, 1)
        weighted = logistic_regression(rows, positive, counts.astype(float), ridge=1.0)
        repeated = logistic_regression(
            np.repeat(rows, counts, axis=0), np.repeat(positive, counts), np.ones(counts.sum()), ridge=1.0
        )
        np.testing.assert_allclose(weighted, repeated, atol=1e-6)
        plain = logistic_regression(rows, positive, np.ones(300), ridge=1.0)
        assert np.abs(plain - weighted).max() > 1e-3

    def test_a_sample_that_counts_nothing_changes_nothing(self) -> None:
        counts = np.where(np.arange(300) < 200, 1.0, 0.0)
        some = logistic_regression(self.ROWS[:300], self.POSITIVE[:300], counts, ridge=1.0)
        alone = logistic_regression(self.ROWS[:200], self.POSITIVE[:200], np.ones(200), ridge=1.0)
        np.testing.assert_allclose(some, alone, atol=1e-6)

    def test_the_ridge_shrinks_weights_but_not_the_intercept(self) -> None:
        sizes = [
            np.abs(logistic_regression(self.ROWS, self.POSITIVE, np.ones(20_000), ridge=ridge)).sum()
            for ridge in (0.01, 100, 10_000, 1e8)
        ]
        assert sizes == sorted(sizes, reverse=True) and sizes[-1] < 1e-2

    @pytest.mark.parametrize("ridge", [1.0, 100.0])
    def test_what_can_be_told_apart_without_error_has_finite_weights(self, ridge) -> None:
        rows = np.array([[float(i), 0.0] for i in range(-10, 10)])
        found = logistic_regression(rows, rows[:, 0] >= 0, np.ones(20), ridge)
        assert np.isfinite(found).all() and found[0] > 0 and found[1] == pytest.approx(0)

    def test_the_gradient_is_0(self) -> None:
        """Where it stops, no small step makes the loss less."""
        rows, positive, counts = self.ROWS[:200], self.POSITIVE[:200], self.GENERATOR.random(200)
        found = logistic_regression(rows, positive, counts, ridge=2.0)

        def loss(weights: np.ndarray) -> float:
            """With the best intercept there is."""
            return min(
                float(counts @ np.log1p(np.exp(-np.where(positive, 1, -1) * (rows @ weights + intercept))))
                for intercept in np.linspace(-3, 1, 4001)
            ) + float(weights @ weights)

        for step in np.eye(3) * 0.05:
            assert loss(found) <= min(loss(found + step), loss(found - step))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30).filter(
        lambda pairs: len({positive for _, positive in pairs}) == 2
    )
)
def test_area_under_curve_is_a_count_of_pairs(pairs) -> None:
    values = np.array([value for value, _ in pairs], dtype=float)
    positive = np.array([one for _, one in pairs])
    wins = [
        1.0 if better > worse else 0.5 if better == worse else 0.0
        for better in values[positive]
        for worse in values[~positive]
    ]
    assert area_under_curve(values, positive) == pytest.approx(sum(wins) / len(wins))
    assert area_under_curve(-values, positive) == pytest.approx(1 - sum(wins) / len(wins))


def test_area_under_curve_of_ties() -> None:
    assert area_under_curve(np.zeros(4), np.array([True, False, False, True])) == 0.5


class TestCalibrate:
    def test_finds_the_head_that_looks_at_evidence(self) -> None:
        profile = calibrate(Marking(), [source()], heads=1).profile
        assert profile.head_positions == [GOOD_HEAD]
        assert profile.heads[0].weight > 0.1
        assert profile.heads[0].weight > max(abs(profile.first_hop_weights))
        assert (profile.model, profile.fingerprint, profile.contrast) == ("fake", "fake", 0.0)
        assert profile.provenance.questions == 40
        first, second = profile.provenance.held_out["made.jsonl"]
        assert 0.9 < first <= 1 and 0.9 < second <= 1

    def test_weighs_it_above_the_others(self) -> None:
        profile = calibrate(Marking(), [source()], heads=4).profile
        assert len(profile.heads) == 4 and profile.head_positions == sorted(profile.head_positions)
        weights = {(head.layer, head.head): head.weight for head in profile.heads}
        assert max(weights, key=weights.__getitem__) == GOOD_HEAD

    def test_with_such_a_profile_the_evidence_is_kept(self, fresh_home) -> None:
        own_profile_path("fake").parent.mkdir(parents=True)
        own_profile_path("fake").write_text(calibrate(Marking(), [source()], heads=1).to_json())
        one = example(57)
        result = Compressor(Marking(), tokenizer="o200k_base").compress(one.documents, one.question, rate=0.25)
        assert f"Text57 sentence57 {MARK} tells something2." in result.context

    def test_the_result_round_trips_through_json(self) -> None:
        for heads in (0, 2):
            calibration = calibrate(Marking(), [source(number=10)], heads=heads)
            profile = calibration.profile
            assert Profile.model_validate_json(calibration.to_json()) == profile
            assert all(
                round(weight, 4) == weight
                for weight in [*profile.model_weights, *profile.first_hop_weights, *profile.second_hop_weights]
            )

    def test_the_same_examples_give_the_same_profile(self) -> None:
        first, second = (calibrate(Marking(), [source(number=12)], heads=2) for _ in range(2))
        assert first == second

    def test_without_heads_it_is_a_profile_for_all_models(self) -> None:
        profile = calibrate(Marking(), [source(number=10)], heads=0).profile
        assert (profile.model, profile.fingerprint, profile.heads) == ("any", None, ())
        assert np.isfinite(profile.model_weights).all()

    def test_sources_count_alike_however_many_examples_they_have(self) -> None:
        """Nine tenths of the questions say that another head is right, yet both heads weigh about the same."""

        class Torn(Marking):
            def weights(self, request, heads):
                weights = super().weights(request, heads)
                if hash_of("large") in request.prefix:
                    for row, head in zip(weights, heads, strict=True):
                        marks = np.equal(request.prefix[:-1], hash_of(MARK))
                        row[:] = 0.001 + (marks / 10 if head == Head(0, 0) else 0)
                return weights

        def of(name: str, number: int) -> ExampleSet:
            return ExampleSet(name, "", [large(example(i)) if name == "large" else example(i) for i in range(number)])

        def large(one: Example) -> Example:
            return one._replace(documents=[Document(text=f"{document.text} large") for document in one.documents])

        assert calibrate(Torn(), [of("large", 45)], heads=1).profile.head_positions == [Head(0, 0)]
        assert calibrate(Torn(), [of("small", 5)], heads=1).profile.head_positions == [GOOD_HEAD]
        both = calibrate(Torn(), [of("large", 45), of("small", 5)], heads=2).profile
        assert both.head_positions == [Head(0, 0), GOOD_HEAD]
        assert 0.7 < both.heads[0].weight / both.heads[1].weight < 1.4
        assert set(both.provenance.held_out) == set(both.provenance.data) == {"large", "small"}
        assert both.provenance.questions == 50

    def test_documents_are_computed_by_fewer_layers_where_that_tells_as_well(self) -> None:
        class Short(Marking):
            """Its good head sees nothing of documents that some of the layers computed."""

            def weights(self, request, heads):
                seen = Marking if self.depth is None else FakeScorer
                return seen.weights(self, request, heads)

        class Whole(Marking):
            """It computes all layers whatever it is asked for."""

            supports_shallow = False

        assert calibrate(Marking(), [source()], heads=1).document_layers == 1, "two thirds of two layers"
        assert calibrate(Whole(), [source()], heads=1).document_layers is None
        short = calibrate(Short(), [source()], heads=1)
        assert short.document_layers is None and short.profile.head_positions == [GOOD_HEAD]

    def test_progress_goes_from_0_to_1(self) -> None:
        shares: list[float] = []
        calibrate(Marking(), [source("a", 6), source("b", 6)], heads=1, progress=shares.append)
        assert len(shares) == 24 and shares == sorted(shares) and shares[-1] == 1

    def test_too_few_examples_are_named(self) -> None:
        for few in (source(number=4), ExampleSet("made.jsonl", "", [])):
            with pytest.raises(InvalidInputError, match=rf"made\.jsonl: {len(few.examples)} of .* at least 5"):
                calibrate(Marking(), [few], heads=1)
        with pytest.raises(InvalidInputError, match=r"made\.jsonl: 0 of 40"):
            calibrate(Marking(), [source(marked=False)], heads=1)
        with pytest.raises(InvalidInputError, match=r"second: 3 of 3"):
            calibrate(Marking(), [source(), source("second", 3)], heads=1)

    def test_questions_of_which_all_or_nothing_is_evidence_do_not_count(self) -> None:
        whole = Example("What?", [Document(text="All of it.")], {0: [Span(0, 10)]})
        nothing = Example("What?", [Document(text="All of it.")], {})
        mixed = ExampleSet("made.jsonl", "", [whole, nothing, *source(number=6).examples])
        assert calibrate(Marking(), [mixed], heads=1).profile.provenance.questions == 6

    def test_more_heads_than_there_are(self) -> None:
        with pytest.raises(InvalidInputError, match="'fake' has 6 attention heads, not 7"):
            calibrate(Marking(), [source()], heads=7)

    def test_empty_documents_shift_nothing(self) -> None:
        shifted = [
            one._replace(
                documents=[Document(text=" "), *one.documents],
                evidence={position + 1: spans for position, spans in one.evidence.items()},
            )
            for one in source(number=20).examples
        ]
        plain, moved = (
            calibrate(Marking(), [ExampleSet("made.jsonl", "", examples)], heads=2)
            for examples in (source(number=20).examples, shifted)
        )
        assert plain == moved
