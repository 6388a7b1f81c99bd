"""From an answer back to the original prompt, where there are only strings."""

from __future__ import annotations

import pytest

from growth import assert_grows_with_the_text
from tersely import InvalidInputError
from tersely.compat.alignment import align
from tersely.compat.llmlingua import PromptCompressor

BRIDGE = "The bridge was opened by the then mayor, Anna van der Berg, on 12 October 2009, a Monday."
ROAD = "The road to the bridge was paved by a firm from Leiden, Smit and Sons, in the spring of 2011."
SHORTER = "bridge opened mayor, Anna Berg, 12 October 2009,"


@pytest.fixture
def prompt_compressor(fake_model) -> PromptCompressor:
    return PromptCompressor()


def test_a_phrase_gets_back_what_was_dropped_in_it(prompt_compressor) -> None:
    recovered = prompt_compressor.recover(BRIDGE, SHORTER, "It was Anna Berg, in 2009.")
    assert recovered == "It was Anna van der Berg, in 2009."


def test_paragraphs_may_be_in_another_order(prompt_compressor) -> None:
    compressed = f"road paved firm Leiden, Smit Sons\n\n{SHORTER}"
    recovered = prompt_compressor.recover(f"{BRIDGE}\n\n{ROAD}", compressed, "Smit Sons; Anna Berg")
    assert recovered == "Smit and Sons; Anna van der Berg"


@pytest.mark.parametrize("answer", ["", "Nobody knows.", "42"])
def test_an_answer_from_elsewhere_stays_as_it_is(prompt_compressor, answer) -> None:
    assert prompt_compressor.recover(BRIDGE, SHORTER, answer) == answer


@pytest.mark.parametrize(
    ("original", "compressed"), [("", ""), (BRIDGE, ""), ("", SHORTER), (BRIDGE, "un autre texte")]
)
def test_texts_without_a_common_word_give_the_answer_back(prompt_compressor, original, compressed) -> None:
    assert prompt_compressor.recover(original, compressed, "Anna Berg") == "Anna Berg"


def test_its_own_results_are_traced(prompt_compressor) -> None:
    contexts = [BRIDGE, ROAD]
    compressed = prompt_compressor.compress_prompt(contexts, rate=0.6, reorder_context="sort")["compressed_prompt"]
    original = "\n\n".join(contexts)
    for paragraph, one in zip(compressed.split("\n\n"), align(original, compressed), strict=True):
        kept = [original[start:end].strip(".,") for start, end in one.kept]
        assert " ".join(kept).split() == [word.strip(".,") for word in paragraph.split()]


def test_a_stop_word_between_two_kept_words_is_found_in_a_long_text() -> None:
    original = " ".join(f"the {i}th word of the text" for i in range(300))
    (one,) = align(original, "the 7th of text the 8th")
    assert [original[start:end] for start, end in one.kept][1:] == ["7th", "of", "text", "the", "8th"]


@pytest.mark.parametrize("word", ["a", "a b"])
def test_repetitive_texts_take_no_time(word) -> None:
    assert_grows_with_the_text(lambda text: align(text, text[: len(text) // 4]), f"{word} " * 20_000)


@pytest.mark.parametrize("arguments", [(None, "", ""), ("", 5, ""), ("", "", ["answer"])])
def test_misuse_is_named(prompt_compressor, arguments) -> None:
    with pytest.raises(InvalidInputError, match="must be a string"):
        prompt_compressor.recover(*arguments)
