"""What compression saves in money and time, as tables in Markdown and HTML.

`money.py`, `break_even.py` and `prompt_cache.py` compute the figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from tersely_eval.measure import Measurement, Run
from tersely_eval.report.break_even import LLM_SPEEDS, BreakEven, break_even
from tersely_eval.report.money import Price, savings
from tersely_eval.report.prompt_cache import ANTHROPIC, first_loss, most_questions
from tersely_eval.report.tables import markdown_table

_NOTHING = "–"
_MONEY = (
    "Dollars for the contexts of a thousand questions at the list price below, and in brackets what is saved. "
    "Instruction, question and answer come on top; the machine that compresses is not counted. Tokens are those of "
    "{tokenizer}: an LLM that counts otherwise takes a little more or less."
)
_TIME = (
    "Compression saves time with an LLM that reads more slowly than the limit, from the given length of the prompt on. "
    "Fitted to the times measured on {machine}; beyond the measured lengths this is extrapolated."
)
_CACHE = (
    "Where the provider caches the beginning of a prompt, at {write:g} of the plain price to write and {read:g} to "
    "read: what is saved where each turn's context is compressed once, by its own question, and stays; for up to how "
    "many questions it pays to compress one context anew for each; and from which turn on a conversation costs more "
    "where all its earlier contexts are compressed anew each time."
)


class _Section(NamedTuple):
    """A heading, a note on how to read the table, and the table; its first row has the column headings."""

    heading: str
    note: str
    rows: list[list[str]]


def economics_markdown(run: Run, prices: Mapping[str, Price]) -> str:
    """What each method saves at each rate, as Markdown; empty where nothing was measured."""
    return "\n\n".join(
        f"### {section.heading}\n\n{_for_markdown(section.note)}\n\n{_markdown_table(section.rows)}"
        for section in _sections(run, prices)
    )


def economics_html(run: Run, prices: Mapping[str, Price]) -> str:
    """What each method saves at each rate, as a fragment of HTML; empty where nothing was measured."""
    return "".join(
        f"<section><h3>{escape(section.heading)}</h3><p>{escape(section.note)}</p>{_html_table(section)}</section>"
        for section in _sections(run, prices)
    )


def _sections(run: Run, prices: Mapping[str, Price]) -> list[_Section]:
    measured = [measurement for measurement in run.measurements if measurement.error is None]
    if not measured:
        return []
    time = _Section("When it saves time", _TIME.format(machine=run.description.machine), _time_rows(measured, prices))
    cache = _Section("Beside a prompt cache", _CACHE.format(**ANTHROPIC._asdict()), _cache_rows(measured))
    if not prices:
        return [time, cache]
    note = _MONEY.format(tokenizer=run.description.tokenizer)
    return [
        _Section("What it saves in money", note, _money_rows(measured, prices)),
        time,
        cache,
        _Section("Prices", "Dollars for a million tokens that the LLM reads, and writes.", _price_rows(prices)),
    ]


def _money_rows(measured: Sequence[Measurement], prices: Mapping[str, Price]) -> list[list[str]]:
    rows = [["method", "rate", "data", "tokens before", "after", *prices]]
    saved = savings(measured, prices)
    for start in range(0, len(saved), len(prices)):
        savings_by_model = saved[start : start + len(prices)]
        first = savings_by_model[0]
        rows.append(
            [
                *(
                    first.method,
                    f"{first.rate:g}",
                    first.data_set,
                    f"{first.original_tokens:,.0f}",
                    f"{first.tokens:,.0f}",
                ),
                *(f"{_dollars(saving.cost)} ({_dollars(saving.saved)})" for saving in savings_by_model),
            ]
        )
    return rows


def _time_rows(measured: Sequence[Measurement], prices: Mapping[str, Price]) -> list[list[str]]:
    speeds = {f"{speed:,} tokens/s": float(speed) for speed in LLM_SPEEDS}
    speeds |= {price.model: price.tokens_per_second for price in prices.values() if price.tokens_per_second}
    groups: dict[tuple[str, float], list[Measurement]] = defaultdict(list)
    for measurement in measured:
        groups[measurement.method, measurement.rate].append(measurement)
    rows = [
        ["method", "rate", "seconds", "measured tokens", "LLM slower than", *(f"from, at {name}" for name in speeds)]
    ]
    for (method, rate), group in groups.items():
        result = break_even(group)
        if isinstance(result, BreakEven):
            figures = [
                f"{result.start:.2f} + n / {result.tokens_per_second:,.0f}",
                f"{result.shortest:,} to {result.longest:,}",
                f"{result.fastest_llm:,.0f} tokens/s",
                *(_length(result.least_prompt(speed)) for speed in speeds.values()),
            ]
        else:
            figures = [result.reason, *[_NOTHING] * (len(speeds) + 2)]
        rows.append([method, f"{rate:g}", *figures])
    return rows


def _cache_rows(measured: Sequence[Measurement]) -> list[list[str]]:
    rows = [["method", "rate", "delivered", "saved, once a turn", "pays up to", "rewritten, costs more from"]]
    groups: dict[tuple[str, float], list[Measurement]] = defaultdict(list)
    for measurement in measured:
        groups[measurement.method, measurement.rate].append(measurement)
    for (method, rate), group in groups.items():
        before = sum(measurement.original_tokens for measurement in group)
        delivered = sum(measurement.tokens for measurement in group) / before if before else 1.0
        most, loss = most_questions(delivered), first_loss(delivered)
        figures = [
            f"{1 - delivered:.1%}",
            "any number" if most is None else f"{most:,} question{'' if most == 1 else 's'}",
            "never" if loss is None else f"turn {loss:,}",
        ]
        rows.append([method, f"{rate:g}", f"{delivered:.1%}", *(figures if delivered < 1 else [_NOTHING] * 3)])
    return rows


def _price_rows(prices: Mapping[str, Price]) -> list[list[str]]:
    rows = [["model", "in", "out", "source", "read on"]]
    for price in prices.values():
        dollars = (f"${amount:,.2f}" for amount in (price.input_dollars, price.output_dollars))
        rows.append([price.model, *dollars, price.source, price.read_on.isoformat()])
    return rows


def _length(tokens: int | None) -> str:
    if tokens is None:
        return "never"
    return "any length" if tokens == 1 else f"{tokens:,} tokens"


def _dollars(amount: float) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}${abs(amount):,.2f}" if abs(amount) >= 1 or not amount else f"{sign}${abs(amount):.3f}"


def _for_markdown(text: str) -> str:
    """Text from a file, escaped: it ends no cell and begins no tag."""
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def _markdown_table(rows: Sequence[Sequence[str]]) -> str:
    return markdown_table([[_for_markdown(cell) for cell in row] for row in rows])


def _html_table(section: _Section) -> str:
    """In a box that scrolls on a narrow page; the first cell is the name of its row."""

    def row(cells: Sequence[str]) -> str:
        name, *figures = map(escape, cells)
        return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{figure}</td>" for figure in figures)}</tr>'

    headings = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in section.rows[0])
    return (
        f'<div class="scroll" role="region" aria-label="{escape(section.heading)}" tabindex="0"><table>'
        f"<thead><tr>{headings}</tr></thead><tbody>{''.join(map(row, section.rows[1:]))}</tbody></table></div>"
    )
