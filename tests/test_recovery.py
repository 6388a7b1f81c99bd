"""From the words of an answer back to the original documents."""

from __future__ import annotations

import pytest

from growth import assert_grows_with_the_text
from tersely import CompressedDocument, CompressionResult, Document, Span


def result_of(*documents: tuple[str, str]) -> CompressionResult:
    """A result in which of each text the given words are kept, in order."""
    compressed = []
    for index, (text, kept) in enumerate(documents):
        spans, position = [], 0
        for word in kept.split():
            start = text.index(word, position)
            position = start + len(word)
            spans.append(Span(start, position))
        compressed.append(
            CompressedDocument(
                index=index,
                document=Document(text=text, id=f"d{index}"),
                kept=spans,
                text=" ".join(text[start:end] for start, end in spans),
                original_tokens=1,
                compressed_tokens=1,
            )
        )
    context = "\n\n".join(one.text for one in compressed)
    return CompressionResult(
        prompt=context,
        context=context,
        documents=compressed,
        method="llmlingua",
        tokenizer="none",
        target_tokens=1,
        original_tokens=1,
        compressed_tokens=1,
        seconds={},
    )


TEXT = "The bridge was opened by the then mayor, Anna van der Berg, on 12 October 2009, a Monday."


def test_a_phrase_gets_back_what_was_dropped_in_it() -> None:
    recovered = result_of((TEXT, "bridge opened mayor, Anna Berg, 12 October 2009,")).recover(
        "It was opened by Anna Berg, on 12 October 2009."
    )
    by_phrase = {phrase.phrase: phrase for phrase in recovered.phrases}
    assert by_phrase["Anna Berg"].original == "Anna van der Berg"
    assert by_phrase["12 October 2009"].original == "12 October 2009"
    assert recovered.text == "It was opened by Anna van der Berg, on 12 October 2009."
    for phrase in recovered.phrases:
        assert TEXT[phrase.span.start : phrase.span.end] == phrase.original
        assert (phrase.index, phrase.id) == (0, "d0")


def test_the_document_is_the_one_that_says_it() -> None:
    result = result_of(("Nothing of that here at all.", "Nothing here"), (TEXT, "mayor, Anna Berg,"))
    (phrase,) = result.recover("Anna Berg").phrases
    assert (phrase.index, phrase.id) == (1, "d1")


def test_of_several_originals_the_shortest_wins() -> None:
    far = "Anna went home early, and much later on Berg came."
    (phrase,) = result_of((far, "Anna Berg"), (TEXT, "Anna Berg,")).recover("anna berg").phrases
    assert phrase.original == "Anna van der Berg"


def test_stop_words_on_the_two_sides_of_a_gap_do_not_invent_an_answer() -> None:
    result = result_of(("He was born in Poland, but later moved to the city of Paris.", "He was in the city of Paris."))
    for answer in ("Marie sleeps in the house.", "It was in the end He who left.", "The answer is Paris."):
        assert result.recover(answer).text == answer


def test_words_that_met_by_chance_are_not_joined() -> None:
    text = f"Anna {'went on and on ' * 30} Berg"
    phrases = result_of((text, "Anna Berg")).recover("Anna Berg").phrases
    assert [phrase.original for phrase in phrases] == ["Anna", "Berg"]


@pytest.mark.parametrize("answer", ["", "the", "Completely unrelated words.", "!!!", "日本"])
def test_what_comes_from_nowhere_is_left_alone(answer) -> None:
    recovered = result_of((TEXT, "The bridge was opened")).recover(answer)
    assert (recovered.text, recovered.phrases) == (answer, [])


def test_chinese() -> None:
    text = "北京是中华人民共和国的首都。"
    recovered = result_of((text, "北 京 是 中 国 首 都。")).recover("中国首都")
    assert recovered.text == "中华人民共和国的首都"


def test_a_long_answer_over_a_long_context_is_quick() -> None:
    def recover(text: str) -> None:
        result = result_of((text, "the cat"))
        result.documents[0].kept = [Span(0, len(text))]
        result.recover("the cat sat on the mat and " * 50)

    assert_grows_with_the_text(recover, "the cat sat on the mat and " * 5000)


@pytest.mark.model
def test_an_answer_from_a_really_compressed_prompt(real_compressor, hotpot) -> None:
    row = hotpot[0]
    result = real_compressor.compress(row["documents"], row["question"], rate=0.5)
    first = result.documents[0]
    answer = " ".join(first.text.split()[:12])
    recovered = result.recover(answer)
    assert recovered.phrases and recovered.phrases[0].index == first.index
    for phrase in recovered.phrases:
        original = row["documents"][phrase.index]["text"]
        assert original[phrase.span.start : phrase.span.end] == phrase.original
