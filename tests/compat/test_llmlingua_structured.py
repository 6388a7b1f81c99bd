"""Prompts with tags: what must not be compressed stays byte for byte, segments keep to their rates, bad tags fail."""

from __future__ import annotations

import warnings

import pytest
import tiktoken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tersely import InvalidInputError
from tersely.compat.llmlingua import PromptCompressor
from tersely.compat.segments import Piece, Segment, join_pieces, parse_segments

TALK = (
    "<llmlingua, compress=False>Speaker 4:</llmlingua><llmlingua, rate=0.4> Thank you. And can we have the items of "
    "the consent list? I believe that they are 11, 12 and 28.</llmlingua><llmlingua, compress=False>\n"
    "Speaker 0:</llmlingua><llmlingua, rate=0.5> Item 11 is a letter about the price of the library's new roof, which "
    "was raised by $200 in March. Item 12 asks for a gift of $10,000 to the summer fair.</llmlingua>"
    "<llmlingua, compress=False>\nSpeaker 4:</llmlingua><llmlingua, rate=0.6> We have a motion and a second time. Have "
    "the members any comments?</llmlingua>"
)
QUESTION = "How much goes to the summer fair?"


def count(text: str) -> int:
    return len(tiktoken.get_encoding("cl100k_base").encode_ordinary(text))


@pytest.fixture
def prompt_compressor(fake_model) -> PromptCompressor:
    return PromptCompressor()


@pytest.mark.parametrize("question", ["", QUESTION])
def test_the_references_own_pattern(prompt_compressor, question) -> None:
    result = prompt_compressor.structured_compress_prompt(TALK, instruction="", question=question, rate=0.5)
    text = result["compressed_prompt"].removesuffix(f"\n\n{question}")
    assert result["origin_tokens"] == count(
        "\n\n".join(["", "".join(segment.text for segment in parse_segments(TALK, "talk")), question]).strip()
    )
    fixed = ["Speaker 4:", "\nSpeaker 0:", "\nSpeaker 4:"]
    positions = [text.index(fixed[0]), text.index(fixed[1]), text.rindex(fixed[2])]
    assert positions == sorted(positions) and positions[0] == 0 and "llmlingua" not in text
    kept = [text[len(fixed[0]) : positions[1]], text[positions[1] + 11 : positions[2]], text[positions[2] + 11 :]]
    originals = [segment.text for segment in parse_segments(TALK, "talk")][1::2]
    for words, original, rate in zip(kept, originals, (0.4, 0.5, 0.6), strict=True):
        assert 0 < count(words.strip()) <= rate * count(original.strip())


def test_issue_114_text_not_to_be_compressed_stays_byte_for_byte(prompt_compressor) -> None:
    fixed = "  BEGIN\t{id: 7}\r\n\n <b>5 < 6</b>  "
    words = "many words that may go " * 9
    prompt = f"<llmlingua, rate=0.2>{words}</llmlingua><llmlingua, compress=False>{fixed}</llmlingua>"
    assert prompt_compressor.structured_compress_prompt(prompt)["compressed_prompt"].endswith(fixed)


@pytest.mark.parametrize(
    "tag",
    [
        "<llmlingua, rate=0.3, compress=True>",
        "<llmlingua, compress=True, rate=0.3>",
        "<llmlingua rate=0.3>",
        "<llmlingua rate = .3 compress=True>",
        "<llmlingua,rate=0.3,>",
    ],
)
def test_ways_to_write_a_tag(tag) -> None:
    assert parse_segments(f"{tag}text</llmlingua>", "context") == [Segment("text", 0.3, True)]


def test_compress_false_overrides_a_rate() -> None:
    assert parse_segments("<llmlingua, rate=0.3, compress=False>a</llmlingua>", "") == [Segment("a", 0.3, False)]


def test_text_outside_of_tags_is_a_segment_without_parameters() -> None:
    segments = parse_segments("a < b <llmlingua, compress=False>x</llmlingua>\n<llmlingua></llmlingua>y", "context")
    assert segments == [Segment("a < b "), Segment("x", None, False), Segment("\n"), Segment("y")]
    assert parse_segments("no tag at all <llmlinguas>", "context") == [Segment("no tag at all <llmlinguas>")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ab<llmlingua, rate=0.4>x", "'<llmlingua, rate=0.4>' at character 2 is not closed"),
        ("x</llmlingua>", "'</llmlingua>' at character 1 closes nothing"),
        (
            "<llmlingua>a<llmlingua>b</llmlingua></llmlingua>",
            "at character 12 stands inside '<llmlingua>' of character 0",
        ),
        ("<llmlingua, rate=0.4", "has no '>'"),
        ("<llmlingua, rte=0.4>x</llmlingua>", "has a parameter 'rte'; there are rate and compress"),
        ("<llmlingua, rate=fast>x</llmlingua>", "a rate that is no number: 'fast'"),
        ("<llmlingua, rate=1.4>x</llmlingua>", "must be above 0 and at most 1, got 1.4"),
        ("<llmlingua, rate=0>x</llmlingua>", "must be above 0 and at most 1, got 0"),
        ("<llmlingua, rate=nan>x</llmlingua>", "must be above 0 and at most 1, got nan"),
        ("<llmlingua, rate=0.4, rate=0.5>x</llmlingua>", "has rate twice"),
        ("<llmlingua, compress=no>x</llmlingua>", "compress=no; it is True or False"),
        ("<llmlingua, compress>x</llmlingua>", "'compress', which is no parameter"),
        ("<llmlingua>x</llmlingua, rate=0.4>", "closes with parameters"),
    ],
)
def test_a_malformed_tag_is_named_with_its_place(prompt_compressor, text, message) -> None:
    with pytest.raises(InvalidInputError) as caught:
        prompt_compressor.structured_compress_prompt(["fine", text])
    assert "context[1]" in str(caught.value) and message in str(caught.value)


def test_segments_without_a_rate_share_the_budget(prompt_compressor) -> None:
    documents = [
        f"<llmlingua, compress=False>Title {i}: </llmlingua>The {i} fish swims far away at night." for i in range(4)
    ]
    result = prompt_compressor.structured_compress_prompt(documents, question="Which fish swims?", rate=0.4)
    texts = result["compressed_prompt"].split("\n\n")[:-1]
    assert [text[:9] for text in texts] == [f"Title {i}: " for i in range(4)]
    bodies = [text[9:] for text in texts]
    assert sum(map(count, bodies)) <= 0.4 * sum(count("The 0 fish swims far away at night.") + 1 for _ in documents)
    assert any(bodies)


def test_a_target_is_a_share_of_all_contexts(prompt_compressor) -> None:
    text = "one two three four five six seven eight nine ten " * 8
    whole, half = (
        prompt_compressor.structured_compress_prompt(text, target_token=target)["compressed_tokens"]
        for target in (10_000, count(text) // 2)
    )
    assert whole == count(text.rstrip()) or whole == count(text)
    assert 0.4 * whole <= half <= whole // 2 + 1


def test_a_context_can_go_with_what_is_fixed_in_it_where_that_is_asked_for(prompt_compressor) -> None:
    documents = [f"<llmlingua, compress=False>Title {i}: </llmlingua>The fish {i} swims far away." for i in range(20)]
    strict = prompt_compressor.structured_compress_prompt(documents, rate=0.1)["compressed_prompt"]
    loose = prompt_compressor.structured_compress_prompt(
        documents, rate=0.1, strict_preserve_uncompressed=False, force_context_ids=[19]
    )["compressed_prompt"]
    assert strict.count("Title") == 20 > loose.count("Title") > 0
    assert "Title 19:" in loose


def test_segments_can_be_given_as_lists(prompt_compressor) -> None:
    texts = [["Title: ", "one two three four five six"], ["seven eight nine ten"]]
    result = prompt_compressor.compress_prompt(
        ["".join(one) for one in texts],
        context_segs=texts,
        context_segs_rate=[[None, 0.5], [1.0]],
        context_segs_compress=[[False, True], [True]],
    )
    first, second = result["compressed_prompt"].split("\n\n")
    assert first.startswith("Title: ") and 0 < count(first[7:]) <= 3
    assert second == texts[1][0]


@pytest.mark.parametrize(
    ("texts", "rates", "compress", "message"),
    [
        ([["a", "b"]], None, [[True, True]], "context_segs_rate is None"),
        ([["a", "b"]], [[0.5]], [[True, True]], "lists of the same length"),
        ([["a", "c"]], [[0.5, 0.5]], [[True, True]], r"context_segs\[0\] joined must be context\[0\]"),
        ([["a", "b"]], [[0.5, 2]], [[True, True]], r"context_segs_rate\[0\] must be above 0"),
        ([["a"], ["b"]], [[0.5], [0.5]], [[True], [True]], "one list for each of the 1 contexts"),
        (["ab"], [[0.5, 0.5]], [[True, True]], "lists of the same length"),
    ],
)
def test_lists_that_do_not_fit_are_named(prompt_compressor, texts, rates, compress, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        prompt_compressor.compress_prompt(
            "ab", context_segs=texts, context_segs_rate=rates, context_segs_compress=compress
        )


def test_words_do_not_grow_together_where_one_between_them_went() -> None:
    assert join_pieces([Piece("foo"), Piece("bar", cut_before=True)]) == "foo bar"
    assert join_pieces([Piece("foo"), Piece("", True, True), Piece("bar")]) == "foo bar"
    assert join_pieces([Piece("foo"), Piece("bar")]) == "foobar"
    assert join_pieces([Piece("foo:"), Piece("bar", cut_before=True)]) == "foo:bar"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).filter(
    lambda text: "llmlingua" not in text
)
SEGMENT = st.tuples(
    TEXT | st.sampled_from(["the old mill was sold ", " in 2009, for 5 euros", "alpha"]),
    st.sampled_from(["", ", compress=False", ", rate=0.3", ", rate=1"]),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SEGMENT, max_size=8), st.sampled_from(["", QUESTION]))
def test_fixed_segments_survive_whatever_stands_around_them(prompt_compressor, segments, question) -> None:
    prompt = "".join(f"<llmlingua{parameters}>{text}</llmlingua>" for text, parameters in segments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = prompt_compressor.structured_compress_prompt(prompt, question=question, concate_question=False)
    position = 0
    for text, parameters in segments:
        if parameters in (", compress=False", ", rate=1"):
            position = result["compressed_prompt"].index(text, position) + len(text)


@pytest.mark.model
@pytest.mark.parametrize("question", ["", QUESTION])
def test_issue_114_with_the_embedded_model(question) -> None:
    prompt = PromptCompressor().structured_compress_prompt(TALK, question=question)["compressed_prompt"]
    assert prompt.startswith("Speaker 4:") and prompt.count("\nSpeaker ") == 2
    if question:
        assert "$10,000" in prompt
