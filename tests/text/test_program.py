"""Programs: functions whole, under their class, whatever the language, and cut out of the middle of a file, too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text.readers import assert_covered, example, unit_with, units

from growth import assert_grows_with_the_text
from tersely.text.programs import regions
from tersely.text.structure import split_blocks

PROGRAMS = ["orders.py", "store.js", "queue.cc", "server.go", "backup.sh", "tank.rs"]


def test_a_method_stands_whole_under_the_line_of_its_class() -> None:
    unit, context = unit_with(example("orders.py"), "def put(")
    assert unit.startswith("def put(\n") and unit.endswith("self.lines.append(line)")
    assert context == ["# Nothing is ever deleted from it.\nclass Ledger:"]


def test_decorators_and_the_docstring_belong_to_their_function() -> None:
    unit, _ = unit_with(example("orders.py"), "def total(")
    assert unit.startswith("@property") and "In cents." in unit and unit.endswith("in self.lines)")


def test_the_docstring_and_the_fields_of_a_class_are_a_unit() -> None:
    unit, context = unit_with(example("orders.py"), "All orders that were paid.")
    assert unit.startswith('"""\n') and unit.endswith("limit = 40") and len(context) == 1


def test_a_small_class_without_methods_is_whole() -> None:
    unit, context = unit_with(example("orders.py"), "cents: int")
    assert unit.startswith("@dataclass\nclass Line:") and not context


def test_imports_are_a_unit_and_constants_are_units() -> None:
    found = units(example("orders.py"))
    assert "import math\nfrom dataclasses import dataclass" in found and 'CURRENCY = "EUR"' in found


def test_the_bracket_that_closes_a_class_comes_with_its_members() -> None:
    unit, context = unit_with(example("store.js"), "put(order)")
    assert unit.startswith("// A paid order is never changed again.") and unit.endswith("}")
    assert context[0].endswith("export class Store extends EventEmitter {") and context[1] == "}"
    unit, context = unit_with(example("tank.rs"), "pub fn fill")
    assert unit.startswith("/// Fills the tank") and context == ["impl<'a> Tank<'a> {", "}"]


def test_a_brace_on_its_own_line_belongs_to_the_function_above() -> None:
    unit, context = unit_with(example("queue.cc"), "int Drain")
    assert unit.endswith("return done;\n}") and context == ["namespace depot {", "}  // namespace depot"]


def test_a_function_in_go_and_in_a_shell_is_whole() -> None:
    unit, context = unit_with(example("server.go"), "Start()")
    assert unit.startswith("// Start listens") and unit.endswith("}") and not context
    unit, context = unit_with(example("backup.sh"), "prune()")
    assert unit.startswith("# Removes all") and unit.endswith("fi\n}") and not context


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_of_a_program_is_divided(name) -> None:
    text = example(name)
    assert_covered(text)
    assert not any(block.divisible for block in split_blocks(text))


@pytest.mark.parametrize("name", PROGRAMS)
@given(data=st.data())
def test_a_piece_of_a_program_is_covered_and_its_functions_are_whole(name, data) -> None:
    lines = example(name).splitlines(keepends=True)
    first = data.draw(st.integers(0, len(lines) - 4))
    text = "".join(lines[first : data.draw(st.integers(first + 4, len(lines)))])
    assert_covered(text)
    for block in split_blocks(text):
        assert block.start == 0 or text[block.start - 1] == "\n" or block.divisible


def test_a_piece_from_the_middle_of_a_class_begins_with_the_rest_of_a_function() -> None:
    text = example("orders.py")
    found = units(text[text.index("        return math.fsum") :])
    assert list(found)[:2] == [
        "return math.fsum(line.cents for line in self.lines)",
        next(u for u in found if "put(" in u),
    ]


def test_a_piece_that_begins_in_a_docstring_is_a_program_after_it() -> None:
    text = example("orders.py")
    found = units(text[text.index("    They stand in the order") :])
    assert any(unit.startswith("def put(\n") and unit.endswith("append(line)") for unit in found)
    assert any(unit.startswith("They stand") and '"""' in unit for unit in found)


def test_a_long_function_is_cut_into_its_statements_under_its_signature() -> None:
    body = "".join(f"    if day == {n}:\n        print('{'x' * 60}')\n        tell({n})\n" for n in range(60))
    found = units(f"import a\n\n\ndef run(\n    day: int,\n) -> None:\n{body}\n\nrun(3)\n")
    unit, context = next((unit, context) for unit, context in found.items() if "tell(41)" in unit)
    assert unit.startswith("if day == 41:") and context == ["def run(\n    day: int,\n) -> None:"]
    braces = "".join(f"  if (day == {n}) {{\n    print('{'x' * 60}');\n  }}\n" for n in range(60))
    found = units(f"const a = 1;\n\nfunction run(day) {{\n{braces}}}\n\nrun(3);\n")
    unit, context = next((unit, context) for unit, context in found.items() if "day == 41" in unit)
    assert unit.endswith("}") and context == ["function run(day) {", "}"]


def test_a_program_between_paragraphs_of_prose_is_a_program() -> None:
    prose = "This is how the orders of the shop are kept in its memory, as everybody knows."
    text = f"{prose}\n\n{example('store.js')}\n{prose}"
    assert units(text)[prose] == []
    unit, _ = unit_with(text, "put(order)")
    assert unit.endswith("}")


@pytest.mark.parametrize(
    "text",
    [
        "The tenant pays\n(a) the rent;\n(b) the heating (as agreed);\n(c) the water;\nand nothing else.",
        "If you go there:\nTake the train.\nFor those who walk:\nTake the path along the river and the old mill.",
        "import duties rose\nclass action suits fell\nreturn tickets were sold\nwhile supplies last",
        "Pass the salt;\ntake the bread;\nbreak the fast;\nthank the cook.",
        "From Rome to Paris\nwith love\nfor all of you\nwho were there",
    ],
)
def test_prose_with_words_of_programs_is_prose(text) -> None:
    assert regions.find(text, 0, len(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "{\n" * 100_000,
        "def a(b):\n" * 50_000,
        "if x:\n" + "    " * 50 + "f(x);\n" * 50_000,
        '`/*"""\'\n' * 120_000,
        "".join(" " * n + "if (a) {\n" for n in range(1000)),
    ],
    ids=["brackets", "heads", "calls", "never closed", "deep"],
)
def test_linear_time(text) -> None:
    assert_grows_with_the_text(split_blocks, text)


def test_a_string_that_is_not_closed_takes_no_longer_than_its_length() -> None:
    text = "x = '{}\ny = f(x);\nz = g(x);\n"
    assert_grows_with_the_text(split_blocks, text.format("\\'" * 300_000), text.format("\\'" * 37_500))
