"""What a context costs at an LLM's list price, and what a method saves. Nothing is asked and nothing is shown here.

Only the context is counted, in the tokens of the run. Instruction, question and answer come on top and cost the same
whether the context was compressed or not; the machine that compresses is not counted either.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tersely import InvalidInputError
from tersely.errors import complaint
from tersely_eval.measure import Measurement

PRICES = Path(__file__).parents[1] / "data" / "prices.csv"

_MILLION = 1_000_000


class Price(BaseModel):
    """One row of the price table, which is a CSV file: edit it, or give a file of your own.

    Attributes:
        model: its name, as the provider writes it.
        input_dollars, output_dollars: list price of a million tokens that the LLM reads, and writes.
        tokens_per_second: how fast it reads a prompt, where you have measured that; else empty.
        source: the page that says so, and what it says of exceptions.
        read_on: the day on which it said so, as in 2026-01-31.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: str = Field(pattern=r"\S")
    input_dollars: float = Field(ge=0)
    output_dollars: float = Field(ge=0)
    tokens_per_second: float | None = Field(default=None, gt=0)
    source: str = Field(pattern=r"\S")
    read_on: date


class Saving(NamedTuple):
    """What one method at one rate costs and saves with one LLM, on the questions where it was measured.

    Attributes:
        data_set, method, rate, model: of what.
        questions: how many.
        original_tokens, tokens: of the mean context, as it was and as it was delivered.
        cost: dollars for the contexts of a thousand questions, as delivered.
        saved: dollars less than for the same contexts as they were.
    """

    data_set: str
    method: str
    rate: float
    model: str
    questions: int
    original_tokens: float
    tokens: float
    cost: float
    saved: float


def read_prices(path: str | Path = PRICES) -> dict[str, Price]:
    """The price table of a CSV file, by model, in its order. By default the one that comes with Tersely.

    Raises:
        InvalidInputError: the file cannot be read, or a row is no price; the message names file, line, model and field.
    """
    prices: dict[str, Price] = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:  # -sig: spreadsheets put a mark at the start
            rows = csv.DictReader(file, restkey="more than the heading has", restval="")
            for row in rows:
                price = _parse_price(row, f"{path}, line {rows.line_num}")
                if price.model in prices:
                    raise InvalidInputError(f"{path}, line {rows.line_num}: {price.model!r} is there twice")
                prices[price.model] = price
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path}: is no CSV file in UTF-8 ({error})") from None
    if not prices:
        raise InvalidInputError(f"{path}: holds no price; its columns are {', '.join(Price.model_fields)}")
    return prices


def cost_per_thousand_questions(prompt_tokens: float, price: Price) -> float:
    """Dollars that an LLM takes for reading a thousand prompts of so many tokens."""
    return 1000 * prompt_tokens * price.input_dollars / _MILLION


def savings(measurements: Iterable[Measurement], prices: Mapping[str, Price]) -> list[Saving]:
    """A row for each data set, method, rate and model, in the order of the measurements. Failures do not count."""
    groups: dict[tuple[str, str, float], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        if measurement.error is None:
            groups[measurement.data_set, measurement.method, measurement.rate].append(measurement)
    return [_saving(group, price) for group in groups.values() for price in prices.values()]


def _saving(group: Sequence[Measurement], price: Price) -> Saving:
    original = fmean(measurement.original_tokens for measurement in group)
    delivered = fmean(measurement.tokens for measurement in group)
    cost = cost_per_thousand_questions(delivered, price)
    return Saving(
        data_set=group[0].data_set,
        method=group[0].method,
        rate=group[0].rate,
        model=price.model,
        questions=len(group),
        original_tokens=original,
        tokens=delivered,
        cost=cost,
        saved=cost_per_thousand_questions(original, price) - cost,
    )


def _parse_price(row: Mapping[str, str], where: str) -> Price:
    try:
        return Price.model_validate({name: value for name, value in row.items() if value != ""})
    except ValidationError as error:
        raise InvalidInputError(f"{where} ({row.get('model') or 'no model'}): {complaint(error)}") from None
