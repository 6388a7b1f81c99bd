"""What a report shows of money and time, and that nothing from a file becomes markup there."""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser

import pytest

from tersely_eval.measure.measurement import Measurement, Run, RunDescription
from tersely_eval.report.economics import economics_html, economics_markdown
from tersely_eval.report.money import Price

PRICE = Price(model="small", input_dollars=0.5, output_dollars=1.5, source="a page", read_on=date(2026, 1, 31))
LARGE = PRICE.model_copy(update={"model": "large", "input_dollars": 50.0, "tokens_per_second": 1000.0})
PRICES = {price.model: price for price in (PRICE, LARGE)}


def run_of(*measurements: Measurement, machine: str = "2 cores") -> Run:
    description = RunDescription(
        command="tersely eval", date="2026-01-31", tersely="0", model="m", tokenizer="o200k_base", machine=machine
    )
    return Run(description, list(measurements), [])


def measurement(**values) -> Measurement:
    given = {"data_set": "set", "question": "1", "method": "evidence", "rate": 0.25, "original_tokens": 1000}
    return Measurement.model_validate({**given, "target_tokens": 250, "tokens": 250, "seconds": 1.0, **values})


def tables(markdown: str) -> list[list[list[str]]]:
    parts = [part for part in markdown.split("\n\n") if part.startswith("|")]
    tables = [[[cell.strip() for cell in line.strip("|").split(" | ")] for line in part.splitlines()] for part in parts]
    assert all(len({len(row) for row in table}) == 1 for table in tables)
    return [[rows[0], *rows[2:]] for rows in tables]


@pytest.fixture
def run() -> Run:
    # 0.5 s and a second for 2,000 tokens.
    return run_of(measurement(), measurement(question="2", original_tokens=3000, tokens=750, seconds=2.0))


def test_money(run) -> None:
    money = tables(economics_markdown(run, PRICES))[0]
    assert money[0] == ["method", "rate", "data", "tokens before", "after", "small", "large"]
    assert money[1] == ["evidence", "0.25", "set", "2,000", "500", "$0.250 ($0.750)", "$25.00 ($75.00)"]
    assert len(money) == 2


def test_time_with_a_column_for_each_llm_whose_speed_is_known(run) -> None:
    time = tables(economics_markdown(run, PRICES))[1]
    assert time[0][-1] == "from, at large"
    assert time[1][:6] == ["evidence", "0.25", "0.50 + n / 2,000", "1,000 to 3,000", "1,500 tokens/s", "501 tokens"]
    assert time[1][6:] == ["2,001 tokens", "never", "never", "never", "2,001 tokens"]


def test_when_it_pays_beside_a_prompt_cache(run) -> None:
    cache = tables(economics_markdown(run, PRICES))[2]
    assert cache[1] == ["evidence", "0.25", "25.0%", "75.0%", "7 questions", "turn 10"]
    small = run_of(measurement(tokens=50), measurement(method="full", tokens=1000, rate=1))
    rows = tables(economics_markdown(small, PRICES))[2][1:]
    assert [row[3:] for row in rows] == [
        ["95.0%", "any number", "never"],
        ["–", "–", "–"],
    ]
    assert "at 1.25 of the plain price to write and 0.1 to read" in economics_markdown(run, PRICES)


def test_prices_with_their_source(run) -> None:
    assert tables(economics_markdown(run, PRICES))[3][1] == ["small", "$0.50", "$1.50", "a page", "2026-01-31"]


def test_what_the_figures_leave_out_is_said(run) -> None:
    text = economics_markdown(run, PRICES)
    assert "the machine that compresses is not counted" in text
    assert "o200k_base" in text
    assert "2 cores" in text


def test_a_method_that_failed_or_saved_nothing_takes_nothing_from_the_others(run) -> None:
    run = run_of(
        *run.measurements,
        measurement(method="broken", error="ValueError: no"),
        measurement(method="full", rate=1, tokens=1000),
        measurement(method="full", rate=1, tokens=3000, original_tokens=3000),
        measurement(method="untimed", seconds=None),
        measurement(method="longer", tokens=1100),
        measurement(method="longer", tokens=1100, original_tokens=900),
    )
    money, time, *_ = tables(economics_markdown(run, {"small": PRICE}))
    assert [row[0] for row in money[1:]] == ["evidence", "full", "untimed", "longer"]
    assert money[2][-1] == "$1.00 ($0.00)"
    assert money[4][-1] == "$0.550 (-$0.075)"
    assert [row[2] for row in time[1:]] == [
        "0.50 + n / 2,000",
        "nothing was left out",
        "no time was measured",
        "nothing was left out",
    ]


def test_where_nothing_was_measured_nothing_is_shown() -> None:
    for run in (run_of(), run_of(measurement(error="no"))):
        assert economics_markdown(run, PRICES) == ""
        assert economics_html(run, PRICES) == ""


def test_on_a_page_wide_tables_scroll_in_a_box_of_their_own_and_each_row_has_a_name(run) -> None:
    html = economics_html(run, PRICES)
    assert html.count("<table>") == html.count('<div class="scroll" role="region" aria-label="') == 4
    assert html.count('<th scope="row">evidence</th>') == 3
    assert "<th>" not in html


def test_without_prices_there_is_still_the_time(run) -> None:
    assert len(tables(economics_markdown(run, {}))) == 2
    assert "$" not in economics_html(run, {})


class Tags(HTMLParser):
    """The tags of a page, and whether each is closed where it should be."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.attributes.update(name for name, _ in attrs)
        self.found.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += data


def test_nothing_from_a_file_becomes_markup(run) -> None:
    evil = "<script>alert(1)</script>|&\n\n# x"
    run = run_of(
        *(measurement.model_copy(update={"method": evil, "data_set": evil}) for measurement in run.measurements),
        machine=evil,
    )
    prices = {evil: PRICE.model_copy(update={"model": evil, "source": evil})}
    tags = Tags(economics_html(run, prices))
    assert not tags.open
    assert tags.found == {"section", "h3", "p", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert tags.attributes == {"class", "role", "aria-label", "tabindex", "scope"}
    assert "<script>alert(1)</script>|&" in tags.text
    markdown = economics_markdown(run, prices)
    assert "<script>" not in markdown
    assert "\n# x" not in markdown
    assert len(tables(markdown.replace("\\|", ""))) == 4
