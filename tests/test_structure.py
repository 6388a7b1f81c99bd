"""What is kept as one, and what it stands under: on Markdown, and on text that only looks like it."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tersely import Document
from tersely.budget.rendering import document_text
from tersely.text.segmentation import SegmentedDocument, segment_documents
from tersely.text.structure import split_blocks


def segment(text: str, **fields) -> SegmentedDocument:
    (segmented,) = segment_documents([(0, Document(text=text, **fields))])
    return segmented


def shown(segmented: SegmentedDocument, words: range) -> str:
    return segmented.document.text[segmented.words[words.start].start : segmented.words[words.stop - 1].end]


def units(text: str, **fields) -> list[str]:
    segmented = segment(text, **fields)
    return [shown(segmented, unit.words) for unit in segmented.units]


def context(text: str) -> dict[str, list[str]]:
    """The text of each unit -> the texts of what it needs."""
    segmented = segment(text)
    return {shown(segmented, unit.words): [shown(segmented, part) for part in unit.context] for unit in segmented.units}


def divisible(text: str) -> dict[str, bool]:
    segmented = segment(text)
    return {shown(segmented, unit.words): unit.divisible for unit in segmented.units}


def test_sentences_of_paragraphs() -> None:
    assert units("One is here. Two\nis there.\n\nThree") == ["One is here.", "Two\nis there.", "Three"]


def test_headings_stay_with_all_that_is_under_them() -> None:
    assert context("# A\n\nOne. Two.\n\n## B ##\nThree.\n\n### C\nFour.\n\n## D\nFive.\n\n# E\nSix.") == {
        "One.": ["# A"],
        "Two.": ["# A"],
        "Three.": ["# A", "## B ##"],
        "Four.": ["# A", "## B ##", "### C"],
        "Five.": ["# A", "## D"],
        "Six.": ["# E"],
    }


def test_a_heading_over_nothing_is_kept_only_where_there_is_nothing_else() -> None:
    assert context("# A\n\n## B\n\n# C\n") == {"# A": [], "## B": ["# A"], "# C": []}
    assert context("# A\n\n## B\n\n# C\n\nText.") == {"Text.": ["# C"]}


def test_list_items_with_their_marker_and_continuation() -> None:
    text = "# H\n- One. Still one\n  goes on.\n* Two\n\n1) Three\n2) Four"
    assert units(text) == ["- One. Still one\n  goes on.", "* Two", "1) Three", "2) Four"]
    assert all(needed == ["# H"] for needed in context(text).values())
    assert all(divisible(text).values())


def test_bullets_of_word_processors_are_list_items() -> None:
    assert units("• One. Still one\n• Two\n◦ Three") == ["• One. Still one", "• Two", "◦ Three"]


def test_what_is_in_an_item_stands_under_its_own_text() -> None:
    text = "1. Outer\n   - Inner one\n   - Inner two\n\n     More on two.\n2. Next\n\n   ```\n   code\n   ```\n\nAfter."
    assert context(text) == {
        "1. Outer": [],
        "- Inner one": ["1. Outer"],
        "- Inner two": ["1. Outer"],
        "More on two.": ["1. Outer", "- Inner two"],
        "2. Next": [],
        "```\n   code\n   ```": ["2. Next"],
        "After.": [],
    }


def test_a_long_item_is_cut_into_sentences_and_its_marker_stays_with_the_first() -> None:
    sentence = "This is a sentence that goes on for a while, to be long. "
    assert units(f"3. {sentence * 10}")[:2] == [f"3. {sentence.strip()}", sentence.strip()]
    assert len(units(f"3. {sentence * 10}")) == 10
    assert len(units(f"3. {sentence * 3}")) == 1


def test_rows_of_a_table_stay_with_its_head() -> None:
    head = "| Year | Cost |\n|------|-----:|"
    long = f"| 1822 | {'9 or ' * 60}10 |"
    text = f"# H\n\n{head}\n| 1820 | 5 |\n| 1821 | 6. Or 7. |\n{long}\nAfter it. All.\n\nThe end."
    assert context(text) == {
        "| 1820 | 5 |": ["# H", head],
        "| 1821 | 6. Or 7. |": ["# H", head],
        long: ["# H", head],
        "After it.": ["# H"],
        "All.": ["# H"],
        "The end.": ["# H"],
    }
    assert divisible(text)["| 1820 | 5 |"] is False and divisible(text)["After it."] is True
    assert units("a | b\n--|--\n\nText.") == ["a | b\n--|--", "Text."]


@pytest.mark.parametrize("caption", ["Table 4: Without agency workers", "*Orders that were not yet signed*"])
def test_a_caption_below_a_table_stays_with_each_row(caption) -> None:
    head = "| Division | Full time | Part time |\n|---|---:|---:|"
    rows = [f"| Division {number} | {number}10 | {number} |" for number in range(20)]
    text = "\n".join([head, *rows, caption, "", "## Next", "", "Text of it."])
    needed = context(text)
    assert all(needed[row] == [head, caption] for row in rows)
    assert needed["Text of it."] == ["## Next"]


def test_a_caption_between_two_tables_is_that_of_the_second() -> None:
    head = "| Division | Full time | Part time |\n|---|---:|---:|"
    first, second = ([f"| {place} {number} | {number}10 | {number} |" for number in range(20)] for place in ("A", "B"))
    needed = context("\n".join([head, *first, "", "Table 2: The B's", "", head, *second]))
    assert needed[first[3]] == [head] and needed[second[3]] == ["Table 2: The B's", head]


@pytest.mark.parametrize("sign", ["```", "~~~~"])
def test_a_code_block_is_whole(sign) -> None:
    code = f"{sign}python\n# No heading.\n\n- no item. None.\n{sign}"
    assert units(f"Text.\n\n{code}\nMore.") == ["Text.", code, "More."]
    assert divisible(f"Text.\n\n{code}")[code] is False


def test_a_line_that_introduces_stays_with_what_it_introduces() -> None:
    assert context("It runs. Example:\n\n```\nrun\n```\n\nAfter.") == {
        "It runs.": [],
        "```\nrun\n```": ["Example:"],
        "After.": [],
    }
    assert context("The colours:\n- red\n- blue\n\nAfter.") == {
        "- red": ["The colours:"],
        "- blue": ["The colours:"],
        "After.": [],
    }
    assert context("表如下：\n\n|a|b|\n|-|-|\n|1|2|") == {"|a|b|\n|-|-|\n|1|2|": ["表如下："]}
    assert context(f"{'So ' * 80}it is:\n- red")["- red"] == []
    assert context("Note:\n\nIt rains.") == {"Note:": [], "It rains.": []}


@pytest.mark.parametrize(
    "expected",
    [
        ["He is the #1 in the world.", "No # of his is lower."],
        ["#hashtag and #another one.", "C# is a language."],
        ["It costs - so they say - 5 euros.", "That is much."],
        ["    An indented paragraph of a manual.", "It has\n    two sentences."],
        ["Title\n=====\n\n", "Text of it."],
        ["<div>Not closed.", "Text."],
        ["[a]: https://example.org/b is where it stands.", "See there."],
    ],
)
def test_plain_text_is_cut_into_its_sentences(expected) -> None:
    assert units(" ".join(expected)) == [sentence.strip() for sentence in expected]


def test_signs_that_mean_something_else_in_plain_text() -> None:
    assert units("Title\n~~~~~\n\nOne. Two.\n\nOther\n~~~~~\n\nThree.") == [
        "Title\n~~~~~",
        "One.",
        "Two.",
        "Other\n~~~~~",
        "Three.",
    ]
    assert context("Title\n-----\nOne. Two.") == {"One.": ["Title"], "Two.": ["Title"]}
    assert units("> He said. This.\n> And that.") == ["> He said. This.\n> And that."]
    assert context("    # comment\n    code()\n\nText.") == {"# comment\n    code()": [], "Text.": []}
    # The end of a code block whose beginning was cut off, and the beginning of one whose end was.
    assert units("x = 1\n```\nOne. Two.\n\nThree.")[-2:] == ["Two.", "Three."]
    assert units("One. Two.\n```python\nx = 1. \ny = 2.") == ["One.", "Two.", "```python\nx = 1. \ny = 2."]


def test_a_very_long_heading_heads_nothing() -> None:
    assert context(f"# {'word ' * 200}.\n\nText.")["Text."] == []


def test_a_protected_passage_across_blocks_is_one_word_of_the_first() -> None:
    text = "Zero.\n\nOne. Two.\n\n- Three.\n- Four."
    assert units(text, keep_passages=("One. Two.\n\n- Three",)) == ["Zero.", "One. Two.\n\n- Three.", "- Four."]
    assert units(" \n- a\n- b\n", keep=True) == [" \n- a\n- b\n"]


LINES = st.sampled_from(
    ["# A", "## B", "- item", "  - inner", "1. one", "text. More.", "Intro:", "", "", "| a | b |", "|---|---|", "```",
     "~~~", "    deep", "> q", "---", "===", "\t- tab", "* * *", "```py", "   ", "- - x", "-", "12 October\r", "•"]
)  # fmt: skip
texts = st.lists(LINES, max_size=14).map("\n".join) | st.text("#-*1.|:`~> \n\ta5", max_size=60) | st.text(max_size=60)


@given(texts)
def test_blocks_cover_the_text(text) -> None:
    blocks = split_blocks(text)
    edges = [0, *(edge for block in blocks for edge in (block.start, block.end)), len(text)]
    assert edges == sorted(edges)
    assert not any(text[left:right].strip() for left, right in zip(edges[::2], edges[1::2], strict=True))
    for position, block in enumerate(blocks):
        assert text[block.start : block.end].strip()
        assert all(head < position for head in block.needs) and list(block.needs) == sorted(set(block.needs))


@given(texts, st.booleans())
def test_units_and_what_they_need_are_words_in_order(text, keep_some) -> None:
    text = f"{text} ."
    passage = text[len(text) // 3 : len(text) // 3 * 2].strip()
    segmented = segment(text, keep_passages=(passage,) if keep_some and passage else ())
    found = segmented.units
    assert all(len(unit.words) > 0 for unit in found)
    assert all(before.words.stop <= after.words.start for before, after in pairwise(found))
    covered = {word for unit in found for part in (unit.words, *unit.context) for word in part}
    assert covered <= set(range(len(segmented.words)))
    for unit in found:
        parts = [*unit.context, unit.words]
        assert all(len(part) > 0 for part in parts)
        assert all(before.stop <= after.start for before, after in pairwise(parts))


@given(texts, st.data())
def test_kept_units_stand_in_the_text_as_they_were(text, data) -> None:
    segmented = segment(f"{text} .")
    kept = np.zeros(len(segmented.words), dtype=bool)
    chosen = data.draw(st.lists(st.sampled_from(segmented.units), min_size=1))
    for unit in chosen:
        for part in (unit.words, *unit.context):
            kept[part.start : part.stop] = True
    result = document_text(segmented, kept)
    assert all(shown(segmented, unit.words) in result for unit in chosen)


def test_linear_time() -> None:
    started = time.monotonic()
    for text in ("word " * 200_000, "# " + "word " * 200_000, "- " * 100_000, "- ab\n" * 40_000, "```\n" * 50_000,
                 "~~~~\nab\n" * 20_000, "|a|b|\n|-|-|\n" + "|1|2|\n" * 20_000, "|" * 200_000 + "\n" + "|-" * 100_000,
                 "".join("  " * (i % 60) + "- ab\n" for i in range(5_000)), "# a\n" * 40_000, "a:\n- b\n\n" * 10_000,
                 "".join("`" * i + "\n" for i in range(600, 3, -1)), "•\n" * 50_000):  # fmt: skip
        split_blocks(text)
    assert time.monotonic() - started < 40
    for text in (
        "Some text that is short. Another sentence that is a little longer than the first of the two here.",
        "# Title\n\nSome text that is short. Another sentence.\n\n- item one is here\n- item two is here.",
    ):
        started = time.monotonic()
        for _ in range(10_000):
            split_blocks(text)
        assert time.monotonic() - started < 10
