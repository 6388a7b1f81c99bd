"""Fenced code in Markdown: short blocks whole, long ones in their functions and entries between their fences."""

from __future__ import annotations

import pytest
from text.readers import assert_covered, example, unit_with, units

from growth import assert_grows_with_the_text
from tersely.text.structure import split_blocks


def test_a_short_block_is_whole_whatever_is_in_it() -> None:
    code = "```console\n$ df -h\n$ ls\n\ntotal 4\n```"
    assert units(f"Text is here.\n\n{code}\n\nMore.") == {"Text is here.": [], code: [], "More.": []}


@pytest.mark.parametrize("fence", ["```", "~~~~", "````"])
def test_a_function_of_a_long_block_stands_between_the_fences_under_its_heading(fence) -> None:
    code = example("orders.py") + "\n\ndef stop() -> None:\n    print('It was stopped.')\n" + "    print()\n" * 9
    text = f"# Shop\n\nIt looks like this:\n\n{fence}python\n{code}\n{fence}\n\nThat is all."
    unit, context = unit_with(text, "def put(")
    assert unit.endswith("append(line)")
    class_line = "# Nothing is ever deleted from it.\nclass Ledger:"
    assert context == ["# Shop", "It looks like this:", f"{fence}python", class_line, fence]
    assert units(text)["That is all."] == ["# Shop"]


def test_entries_of_a_long_log_stand_between_the_fences() -> None:
    text = f"```\n{example('service.log') * 3}```\n"
    assert set(map(tuple, units(text).values())) == {("```", "```")}


def test_lines_of_a_long_block_that_nobody_understands_are_units() -> None:
    rows = [f"Nobody knows what {n} means, or why it stands here and nowhere else" for n in range(30)]
    text = "```text\n" + "\n".join(rows) + "\n```\n"
    assert list(units(text)) == rows


def test_a_block_in_an_item_of_a_list_is_left_to_its_item() -> None:
    code = "   ```python\n   import a\n\n   def b(c):\n       return c\n   ```"
    assert units(f"1. First\n2. Second\n\n{code}\n\nAfter.")[code.strip()] == ["2. Second"]


def test_a_block_that_is_not_closed_is_covered() -> None:
    assert_covered(f"Text.\n\n```\n{example('orders.py')}")
    assert_covered(f"Text.\n\n```python\n{example('store.js')}\n\nMore.")


def test_linear_time() -> None:
    for text in ("```\n" * 50_000, "```a\n" * 40_000, "~~~\n```\n" * 30_000, "```\n" + "a\n" * 60_000 + "```\n"):
        assert_grows_with_the_text(split_blocks, text)
