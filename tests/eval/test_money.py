"""The price table, as it ships and as somebody may spoil it, and what a context costs and saves."""

from __future__ import annotations

from datetime import date

import pytest

from tersely import InvalidInputError
from tersely_eval.measure.measurement import Measurement
from tersely_eval.report.money import Price, cost_per_thousand_questions, read_prices, savings

HEADING = "model,input_dollars,output_dollars,tokens_per_second,source,read_on"
ROW = "small,0.50,1.50,,a page,2026-01-31"
PRICE = Price(model="small", input_dollars=0.5, output_dollars=1.5, source="a page", read_on=date(2026, 1, 31))


def measurement(**values) -> Measurement:
    given = {"data_set": "set", "question": "1", "method": "m", "rate": 0.5, "original_tokens": 1000}
    return Measurement.model_validate({**given, "target_tokens": 500, "tokens": 500, "seconds": 1.0, **values})


def write(tmp_path, *rows: str):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join([HEADING, *rows]) + "\n", encoding="utf-8")
    return path


def test_the_table_that_ships_says_where_each_price_comes_from() -> None:
    prices = read_prices()
    assert len(prices) >= 3
    for model, price in prices.items():
        assert price.model == model
        assert price.source.startswith("https://")
        assert date(2026, 1, 1) <= price.read_on <= date.today()
        assert 0 < price.input_dollars < price.output_dollars


def test_a_table_of_ones_own(tmp_path) -> None:
    path = write(tmp_path, ROW, '"my own, at home",0,0,850.5,my bill,2026-02-01', "")
    prices = read_prices(path)
    assert list(prices) == ["small", "my own, at home"]
    assert prices["small"] == PRICE
    assert prices["my own, at home"].tokens_per_second == 850.5


def test_what_a_spreadsheet_saves_is_read(tmp_path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADING}\r\n{ROW}\r\n".encode())
    assert read_prices(path) == {"small": PRICE}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("small,cheap,1.50,,a page,2026-01-31", r"line 3 \(small\): input_dollars: .*number"),
        ("small,-1,1.50,,a page,2026-01-31", r"line 3 \(small\): input_dollars: .*greater than or equal to 0"),
        ("small,nan,1.50,,a page,2026-01-31", r"line 3 \(small\): input_dollars: .*finite"),
        ("small,0.5,,,a page,2026-01-31", r"line 3 \(small\): output_dollars: field required"),
        ("small,0.5,1.5,0,a page,2026-01-31", r"line 3 \(small\): tokens_per_second: .*greater than 0"),
        ("small,0.5,1.5,,,2026-01-31", r"line 3 \(small\): source: field required"),
        ("small,0.5,1.5,,a page,yesterday", r"line 3 \(small\): read_on: .*date"),
        ("small,0.5,1.5,,a page", r"line 3 \(small\): read_on: field required"),
        (ROW + ",more", r"line 3 \(small\): more than the heading has"),
        (",0.5,1.5,,a page,2026-01-31", r"line 3 \(no model\): model: field required"),
        (ROW.replace("small", "first"), "line 3: 'first' is there twice"),
    ],
)
def test_a_row_that_is_no_price(tmp_path, row, message) -> None:
    path = write(tmp_path, ROW.replace("small", "first"), row)
    with pytest.raises(InvalidInputError, match=message) as caught:
        read_prices(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", HEADING.encode(), b"\xff\xfe\x00"])
def test_a_file_that_is_no_table(tmp_path, content) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"holds no price|no CSV file in UTF-8"):
        read_prices(path)


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(InvalidInputError, match=r"nowhere\.csv: cannot be read"):
        read_prices(tmp_path / "nowhere.csv")


def test_a_thousand_prompts_of_a_thousand_tokens_are_a_million() -> None:
    assert cost_per_thousand_questions(1000, PRICE) == 0.5
    assert cost_per_thousand_questions(0, PRICE) == 0


def test_savings_are_of_the_questions_where_the_method_worked() -> None:
    measured = [
        measurement(original_tokens=1000, tokens=200),
        measurement(question="2", original_tokens=3000, tokens=600),
        measurement(question="3", original_tokens=90_000, error="ValueError: no"),
    ]
    (row,) = savings(measured, {"small": PRICE})
    assert (row.questions, row.original_tokens, row.tokens) == (2, 2000, 400)
    assert (row.cost, row.saved) == (pytest.approx(0.2), pytest.approx(0.8))


def test_a_row_for_each_data_set_method_rate_and_model() -> None:
    measured = [
        measurement(data_set=data_set, method=method, rate=rate)
        for data_set in ("a", "b")
        for method in ("m", "n")
        for rate in (0.5, 0.25)
    ]
    large = PRICE.model_copy(update={"model": "large", "input_dollars": 5.0})
    rows = savings(measured, {"small": PRICE, "large": large})
    assert len({(row.data_set, row.method, row.rate, row.model) for row in rows}) == len(rows) == 16
    assert [row.model for row in rows[:2]] == ["small", "large"]
    assert rows[1].cost == pytest.approx(10 * rows[0].cost)
    assert savings([], {"small": PRICE}) == []
