"""What is measured of units: first what they share with the question, then where the best of them point to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doubles import FakeScorer
from tersely import Document
from tersely.methods.evidence.signals import FIRST_HOP, SECOND_HOP, Signals, measure, second_hop, standardised
from tersely.text.segmentation import segment_documents

QUESTION = "Who designed the old mill?"
MILL = Document(
    title="Old mill", text="The old mill was designed by Jan Smit. It stands on a river. Many visit the old mill."
)
SMIT = Document(title="Jan Smit", text="He was born in Leiden. He loved cats.")
OTHER = Document(title="Windmill", text="A windmill turns in the wind. It grinds corn in Leiden.")


def signals_of(*documents: Document | str, question: str = QUESTION, heads=FakeScorer.heads) -> Signals:
    usable = [Document(text=one) if isinstance(one, str) else one for one in documents]
    segmented = segment_documents(list(enumerate(usable)))
    return measure(FakeScorer(), segmented, question, heads, lambda share: None)


def hop_from(signals: Signals, best: int) -> dict[str, np.ndarray]:
    """The second hop where the first found one unit much better than the others, which are alike."""
    evidence = np.zeros(len(signals.units))
    evidence[best] = 1.0
    return dict(zip(SECOND_HOP, second_hop(signals, evidence).T, strict=True))


def first_hop(signals: Signals) -> dict[str, np.ndarray]:
    return dict(zip(FIRST_HOP, signals.first_hop.T, strict=True))


def test_units_come_in_the_order_of_their_documents() -> None:
    signals = signals_of(MILL, SMIT, OTHER)
    assert [position for position, _ in signals.units] == [0, 0, 0, 1, 1, 2, 2]
    assert signals.model_scores.shape == (7, len(FakeScorer.heads))
    assert signals.first_hop.shape == (7, len(FIRST_HOP))
    assert signals.passages.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert signals.titles == [{"old", "mill"}, {"jan", "smit"}, {"windmil"}]
    assert signals.question == {"design", "old", "mill"}
    assert signals.words[1] == {"stand", "river"}


@pytest.mark.parametrize("heads", [(), FakeScorer.heads[:2]])
def test_signals_have_mean_0_and_deviation_1(heads) -> None:
    signals = signals_of(MILL, SMIT, OTHER, heads=heads)
    for column in (*signals.model_scores.T, first_hop(signals)["unit_words"]):
        assert column.mean() == pytest.approx(0, abs=1e-5)
        assert column.std() == pytest.approx(1, abs=1e-5)
    assert signals.model_scores.shape[1] == max(len(heads), 1)


def test_the_first_hop_is_about_words_of_the_question() -> None:
    found = first_hop(signals_of(MILL, SMIT, OTHER))
    assert found["unit_words"].argmax() == 0
    assert found["passage_words"][0] == found["passage_words"][2] > found["passage_words"][3]
    assert found["named_title"].tolist() == pytest.approx([1, 1, 1, 0, 0, 0, 0])


def test_a_row_counts_by_the_share_of_its_label_that_the_question_names() -> None:
    rows = ["Dividend yield", "Dividend yield of peers", *(f"Sales of region {letter}" for letter in "abcdefghijkl")]
    lines = [f"| {row} | 4.5 | 4.1 | 17.3 | 12.2 | 9.4 | 11.8 |" for row in rows]
    table = Document(text="\n".join(["| Item | a | b | c | d | e | f |", f"|{' --- |' * 7}", *lines]))
    prose = Document(text="Dividend yield was discussed.")
    named = first_hop(signals_of(table, prose, question="What was the dividend yield in 2019?"))["named_label"]
    assert named[0] == pytest.approx(1)
    assert named[0] > named[1] > named[2] == 0
    assert named[-1] == 0, "prose"


def test_parts_of_words_match_where_words_do_not() -> None:
    compound, other = "Windmühlenbesitzer lebten gut.", "Gar nichts steht hier."
    measured = first_hop(signals_of(other, compound, question="Wem gehörten die Windmühlen?"))
    assert measured["word_parts"].argmax() == 1
    assert measured["unit_words"].tolist() == [0, 0]


def test_the_title_counts_for_each_unit_of_its_document() -> None:
    text = "It was built long ago. It is red."
    unit_words = first_hop(signals_of(Document(title="Old mill", text=text), Document(title="Bakery", text=text)))
    assert unit_words["unit_words"][1] > unit_words["unit_words"][3]


def test_attention_to_a_unit_is_attention_to_its_own_tokens() -> None:
    signals = signals_of("Nothing is here. The designed old mill? No more of it.", "Other words. And others.")
    assert (signals.model_scores.argmax(axis=0) == 1).all()


def test_a_document_that_the_best_unit_names_gets_the_bonus_and_its_own_does_not() -> None:
    signals = signals_of(MILL, SMIT, OTHER)
    found = hop_from(signals, best=0)
    assert found["named_title"].tolist() == pytest.approx([0, 0, 0, 1, 1, 0, 0])
    assert found["same_passage"].tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert found["first_hop"].argmax() == 0


def test_only_the_first_unit_of_a_named_document_is_its_lead() -> None:
    found = hop_from(signals_of(MILL, SMIT, OTHER), best=0)
    assert found["named_lead"].tolist() == pytest.approx([0, 0, 0, 1, 0, 0, 0])


def test_other_documents_that_share_new_words_are_found() -> None:
    found = hop_from(signals_of(MILL, SMIT, OTHER), best=3)  # born in Leiden
    assert (found["new_words"][3:5] == 0).all(), "nothing of the passage itself"
    assert found["new_words"].argmax() == 6


def test_a_title_that_the_question_names_is_no_news() -> None:
    mill = Document(title="Old mill", text="Nothing of note.")
    guide = Document(title="Guide", text="The old mill is worth a visit. It is far.")
    found = hop_from(signals_of(mill, guide), best=1)
    assert (found["named_title"] == 0).all()


def test_another_document_of_the_same_title_is_no_link() -> None:
    first = Document(title="Jan Smit", text="The old mill was designed by Jan Smit. More of it.")
    second = Document(title="Jan Smit", text="Later he built a house. He died.")
    third = Document(title="Smit Jan", text="A name that is said the other way round.")
    found = hop_from(signals_of(first, second, third, OTHER), best=0)
    assert (found["named_title"] == 0).all()


def test_a_part_of_a_title_is_a_part_of_the_bonus() -> None:
    found = hop_from(signals_of(MILL, Document(title="Jan Smit of Leiden", text="He was a painter.")), best=0)
    assert 0 < found["named_title"][3] < 1


def test_documents_without_a_title_name_nothing_and_are_not_named() -> None:
    signals = signals_of(MILL.text, SMIT.text, OTHER.text)
    for best in range(7):
        assert (hop_from(signals, best)["named_title"] == 0).all()
    assert (first_hop(signals)["named_title"] == 0).all()


@pytest.mark.parametrize(
    "documents",
    [
        ["One unit only."],
        ["!!! ???"],
        ["?"],
        ["The same.", "The same.", "The same."],
        [Document(text="…", title="—")],
        [Document(text="One unit only.", title="Old mill")],
        ["The mill. " * 3],
    ],
)
@pytest.mark.parametrize("heads", [(), FakeScorer.heads])
@pytest.mark.parametrize("question", [QUESTION, "?", "is it the"])
def test_what_does_not_vary_is_0(documents, heads, question) -> None:
    class Indifferent(FakeScorer):
        def attend(self, requests, heads, **options):
            return [
                one._replace(weights=np.full_like(one.weights, 0.01))
                for one in super().attend(requests, heads, **options)
            ]

        def score(self, requests, progress=None):
            return [np.full(len(request.tokens), -2.0, dtype=np.float32) for request in requests]

        def _scores(self, tokens):
            return np.full(len(tokens), -2.0, dtype=np.float32)

    usable = [Document(text=one) if isinstance(one, str) else one for one in documents]
    segmented = segment_documents(list(enumerate(usable)))
    signals = measure(Indifferent(), segmented, question, heads, lambda share: None)
    assert (signals.model_scores == 0).all()
    found = first_hop(signals)
    assert (found["unit_words"] == 0).all() or len(set(map(str, documents))) < len(signals.units)
    assert np.isfinite(signals.first_hop).all()
    second = second_hop(signals, np.zeros(len(signals.units)))
    assert np.isfinite(second).all()
    assert (second[:, SECOND_HOP.index("first_hop")] == 0).all()


def test_standardised() -> None:
    values = np.array([[1.0, 5.0, 1e-12], [3.0, 5.0, 0.0]])
    assert standardised(values).tolist() == [[-1, 0, pytest.approx(0, abs=1e-9)], [1, 0, pytest.approx(0, abs=1e-9)]]
    assert standardised(np.array([7.0])).tolist() == [0.0]


def test_a_unit_without_a_token_of_its_own_has_what_its_neighbour_has() -> None:
    class Coarse(FakeScorer):
        """Its tokens are lines."""

        def encode(self, text):
            found = super().encode(text)
            lines = text.split("\n")
            starts = np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
            spans = [(int(start), int(start) + len(line) + 1) for start, line in zip(starts, lines, strict=True)]
            spans[-1] = (spans[-1][0], len(text))
            return found._replace(tokens=[len(line) for line in lines], offsets=spans)

    segmented = segment_documents([(0, Document(text="One. Two. Three.\nFour. Five.")), (1, Document(text="Six."))])
    signals = measure(Coarse(), segmented, QUESTION, FakeScorer.heads, lambda share: None)
    assert len(signals.units) == 6
    assert np.isfinite(signals.model_scores).all()


TITLES = st.none() | st.sampled_from(["Old mill", "Jan Smit", "River", "…"])
TEXTS = st.lists(
    st.sampled_from(
        [MILL.text, SMIT.text, OTHER.text, "Jan Smit.", "# Head\n\n", "- item\n", "日本語。", "?!", "a " * 300]
    ),
    min_size=1,
    max_size=8,
).map(lambda parts: f"{' '.join(parts)} .")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.builds(Document, text=TEXTS, title=TITLES), min_size=1, max_size=5),
    st.sampled_from([(), FakeScorer.heads]),
    st.data(),
)
def test_all_signals_are_numbers_and_shares_are_shares(documents, heads, data) -> None:
    signals = signals_of(*documents, heads=heads)
    number = len(signals.units)
    assert np.isfinite(signals.model_scores).all() and np.isfinite(signals.first_hop).all()
    assert len(signals.words) == len(signals.passages) == number and len(signals.titles) == len(documents)
    evidence = data.draw(st.lists(st.floats(-5, 5), min_size=number, max_size=number))
    found = second_hop(signals, np.array(evidence))
    assert found.shape == (number, len(SECOND_HOP)) and np.isfinite(found).all()
    named = found[:, SECOND_HOP.index("named_title")]
    assert ((named >= 0) & (named <= 1 + 1e-9)).all()
    assert ((signals.first_hop[:, 3] >= 0) & (signals.first_hop[:, 3] <= 1 + 1e-9)).all()
