"""Texts of which something else came out once: answers, values, rows and functions that had lost what they are of."""

from __future__ import annotations

import json

import pytest

from tersely import Compressor

pytestmark = pytest.mark.model

FAQ = {
    "plain": "Can I bring my dog?\n\nYes.\n\nIs parking free?\n\nNo.\n\nDo you accept cards?\n\nYes.\n\n"
    "Is breakfast included?\n\nNo.\n\nIs there a pool?\n\nYes.\n\nAre children welcome?\n\nYes.\n",
    "marked": "Q: Can I bring my dog?\nA: Yes, small dogs are welcome for 8 euros a night.\nQ: Is parking free?\n"
    "A: No, it costs 5 euros a day.\nQ: Is breakfast included?\nA: No.\nQ: Is there a pool?\nA: Yes, from May on.\n",
    "bold": "**Can I bring my dog?**\nYes.\n\n**Is parking free?**\nNo.\n\n**Is breakfast included?**\nNo.\n\n"
    "**Is there a pool?**\nYes.\n",
    "headings": "## Can I bring my dog?\n\nYes.\n\n## Is parking free?\n\nNo.\n\n## Is breakfast included?\n\nNo.\n\n"
    "## Is there a pool?\n\nYes.\n",
}


@pytest.mark.parametrize("form", FAQ)
@pytest.mark.parametrize("rate", [0.3, 0.5, 0.7])
def test_questions_and_answers_go_together(real_compressor: Compressor, form: str, rate: float) -> None:
    text = FAQ[form]
    context = real_compressor.compress([text], "Is breakfast included?", rate=rate).context
    original = [line for line in text.splitlines() if line.strip()]
    kept = [line for line in context.splitlines() if line.strip()]
    pairs = list(zip(original[::2], original[1::2], strict=True))
    assert list(zip(kept[::2], kept[1::2], strict=True)) == [pair for pair in pairs if pair[0] in kept]
    if rate >= 0.5:
        assert any("breakfast" in line for line in kept)


PRODUCTS = [
    {"name": name, "description": f"{what} It carries a warranty of {years} years."}
    for name, what, years in [
        ("Arden Lamp", "A lamp for desks.", "two"),
        ("Borea Fan", "A quiet fan with three speeds.", "four"),
        ("Cirrus Kettle", "Boils a litre in two minutes.", "five"),
        ("Dorado Toaster", "Two slots, with a rack.", "three"),
        ("Elba Radio", "FM and DAB.", "one"),
    ]
]
JSON = {
    "one line": json.dumps(PRODUCTS),
    "minified": json.dumps(PRODUCTS, separators=(",", ":")),
    "pretty": json.dumps(PRODUCTS, indent=2),
    "nested": json.dumps({"status": "ok", "data": {"items": PRODUCTS, "total": 5}}),
    "lines": "\n".join(map(json.dumps, PRODUCTS)),
}


@pytest.mark.parametrize("form", JSON)
@pytest.mark.parametrize("rate", [0.5, 0.3, 0.1])
def test_records_are_whole_and_in_the_same_shape(real_compressor: Compressor, form: str, rate: float) -> None:
    context = real_compressor.compress([JSON[form]], "What warranty does the Borea Fan carry?", rate=rate).context
    if not context:
        assert rate == 0.1
        return
    values = [json.loads(line) for line in context.splitlines()] if form == "lines" else json.loads(context)
    records = values["data"]["items"] if form == "nested" else values
    assert records == [record for record in PRODUCTS if record in records] and PRODUCTS[1] in records


@pytest.mark.parametrize("question", ["What warranty does the Borea Fan carry?", None])
def test_json_without_a_question_is_json(real_compressor: Compressor, question: str | None) -> None:
    stock = [
        {"id": name, "stock": number, "price": 5 * number} for number, name in enumerate(["lamp", "fan", "kettle"])
    ]
    context = real_compressor.compress([json.dumps(stock)], question, rate=0.7).context
    assert all(record in stock for record in json.loads(context))


@pytest.mark.parametrize("rate", [0.5, 0.2, 0.1])
def test_a_string_with_lines_holds_whole_lines(real_compressor: Compressor, rate: float) -> None:
    lines = [f"2024-05-01 10:{minute:02d}:00 INFO step {minute} done" for minute in range(39)]
    lines.append("2024-05-01 10:39:00 ERROR step 39 failed: disk full")
    text = json.dumps({"stdout": "\n".join(lines), "exit_code": 1})
    value = json.loads(real_compressor.compress([text], "Why did step 39 fail?", rate=rate).context)
    assert lines[-1] in value["stdout"]
    assert [line for line in lines if line in value["stdout"]] == value["stdout"].splitlines()


def test_an_option_stays_with_its_directive(real_compressor: Compressor) -> None:
    text = "".join(
        f".. option:: --{name} <n>\n\n   The default is {value}.\n\n"
        for name, value in [("concurrency", 4), ("prefetch", 16), ("host", "localhost"), ("log", "none")]
    )
    context = real_compressor.compress([text], "What is the default of --prefetch?", rate=0.5).context
    assert context.count("option::") == context.count("The default is") > 0
    assert ".. option:: --prefetch <n>\n\n   The default is 16." in context


def test_rows_of_html_stand_under_their_heading(real_compressor: Compressor) -> None:
    def table(name: str, prices: dict[str, int]) -> str:
        rows = "".join(f"<tr><td>{vehicle}</td><td>{price} euros</td></tr>" for vehicle, price in prices.items())
        return f"<h2>Route {name}</h2><table><tr><th>Vehicle</th><th>Price</th></tr>{rows}</table>"

    first, second = {"Bicycle": 2, "Car": 12, "Truck": 30, "Bus": 41}, {"Bicycle": 3, "Car": 15, "Truck": 44, "Bus": 52}
    text = f"<html><body>{table('A', first)}{table('B', second)}</body></html>"
    for rate in (0.25, 0.5, 0.75):
        context = real_compressor.compress([text], "What does a car cost on Route B?", rate=rate).context
        before, _, after = context.partition("<h2>Route B</h2>")
        assert context.count("<") == context.count(">") and context.count("<table>") == context.count("</table>")
        assert not any(f">{price} euros" in before for price in second.values())
        assert not any(f">{price} euros" in after for price in first.values())


def test_a_chinese_price_stays_with_what_it_is_of(real_compressor: Compressor) -> None:
    items = [f"{number}. 小米{name}，价格{price}元，库存{stock}件。" for number, name, price, stock in
             [(1, "手机", 1999, 200), (2, "手表", 899, 80), (3, "耳机", 199, 500), (4, "音箱", 299, 50)]]  # fmt: skip
    context = real_compressor.compress(["\n".join(items)], "小米耳机的价格是多少？", rate=0.5).context
    assert items[2] in context.splitlines() and all(line in items for line in context.splitlines())


def test_a_short_row_of_a_small_table_is_not_lost_to_prose(real_compressor: Compressor) -> None:
    table = "| (in millions) | 2019 | 2018 |\n|---|---|---|\n| Orders | 19,975 | 18,451 |\n| Visits | 402 | 391 |"
    text = (
        "We run an auction house in the north of the country. Our customers are dealers and private people alike, and "
        f"most of them have bought here for many years. In 2019 we moved to the new hall by the station.\n\n{table}\n\n"
        "Orders are counted when they are paid. The average order has three items, and about a tenth of the orders "
        "comes back within two weeks. Visits are those to the hall. We think that the number of orders will grow "
        "further, since the new hall has room for more lots and the average price per lot has risen in both years."
    )
    result = real_compressor.compress([text], "What was the average orders for 2019 and 2018?", rate=0.5)
    assert table in result.context


SOURCE = '''import time


class Cache:
    """Keeps values for a while. It is safe to use from threads, and never grows beyond its limit."""

    def __init__(self, limit):
        self.limit = limit
        self.values = {}

    def get(self, key):
        """The value, or None."""
        entry = self.values.get(key)
        return entry[0] if entry else None

    # The oldest goes first.
    def put(self, key, value):
        if len(self.values) >= self.limit:
            oldest = min(self.values, key=lambda name: self.values[name][1])
            del self.values[oldest]
        self.values[key] = value, time.time()


def clear(cache):
    cache.values.clear()
'''


def test_a_function_comes_with_its_class_and_comment(real_compressor: Compressor) -> None:
    for rate in (0.25, 0.5, 0.6, 0.8):
        context = real_compressor.compress([SOURCE], "What does put do when the cache is full?", rate=rate).context
        compile(context, "context", "exec")
        assert ("def put" in context) == ("# The oldest goes first.\n    def put" in context)
        assert "    def" not in context or "class Cache:" in context
    assert "def put" in context


@pytest.mark.parametrize(
    ("text", "question", "rate", "expected"),
    [
        (
            "rg\n/opt/bin/ast-grep\nfd\n/usr/bin/fd\njq\n/usr/bin/jq\nyq\nnot found\n",
            "Where is jq?",
            0.5,
            "jq\n/usr/bin/jq",
        ),
        (
            "Filesystem      Size  Used Avail Use% Mounted on\n/dev/sda1        50G   20G   30G  40% /\n"
            "/dev/sdb1       500G  490G   10G  98% /data\ntmpfs            16G     0   16G   0% /dev/shm\n"
            "/dev/sdc1       100G   55G   45G  55% /backup\n",
            "How full is /data?",
            0.5,
            "Filesystem      Size  Used Avail Use% Mounted on\n/dev/sdb1       500G  490G   10G  98% /data",
        ),
        (
            "4.2 Water treatment\n\nThe plant was renewed in 2015. It treats the water of eight villages.\n\n"
            "4.3 Roads\n\nThe roads of the district cost 4.1 million euros in 2020. Half was paid by the state.\n",
            "What did the roads cost?",
            0.5,
            "4.3 Roads\n\nThe roads of the district cost 4.1 million euros in 2020.",
        ),
    ],
    ids=["pairs", "columns", "headings"],
)
def test_what_says_something_only_together(real_compressor: Compressor, text, question, rate, expected) -> None:
    assert expected in real_compressor.compress([text], question, rate=rate).context


def test_a_formula_is_whole_or_gone(real_compressor: Compressor) -> None:
    formula = "$$\nE = \\frac{1}{2} m v^2\n  + m g h\n  - \\int F\\,ds\n$$"
    text = f"The energy is kept. It is the sum of two parts:\n\n{formula}\n\nHere m is the mass. Friction is left out."
    for rate in (0.3, 0.5, 0.8, 0.9):
        context = real_compressor.compress([text], "What is the energy?", rate=rate).context
        assert formula in context or "$" not in context
