"""A run over many data sets -> one page in Markdown with a chart for each kind of text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tersely import InvalidInputError
from tersely_eval.measure import Run
from tersely_eval.report.charts import marks
from tersely_eval.report.overview_chart import draw_quality_and_cost
from tersely_eval.report.overview_tables import data_set_table, kind_of, margin_table, overview_cells, summary_table

_BEGINNING = """# Every data set, method and rate

{command}; {date}; Tersely {tersely}; model {model}; tokens of {tokenizer}; {machine}

Three figures in a cell are those at {rates} of the tokens. *Quality* is the share of questions with their answer kept;
for logs the share of the signals; where no strings tell the answers, the share of the marked evidence that is whole. In
brackets is the 95% interval over questions (bootstrap). *Seconds* is the median of a first question, without loading.
*Units whole*: of the sentences, rows and other units of which something is there, those that are entire. *Without
context*: of these the share that misses a heading, header row or lead-in. *Cut units* and *broken words* are numbers a
question. [docs/evaluation.md](../../docs/evaluation.md) says more, and how each peer is held to the budget. A row that
failed says why.
"""


class Overview(NamedTuple):
    """What a page compares.

    Attributes:
        method: our own, set against the best of the baselines.
        baselines: names of methods.
        rate: that the charts show.
    """

    method: str
    baselines: tuple[str, ...]
    rate: float


def write_overview(folder: Path, run: Run, overview: Overview) -> None:
    """README.md and the charts in a folder, which is made where there is none.

    Raises:
        InvalidInputError: the folder cannot be written.
    """
    cells = overview_cells(run.measurements)
    looks = marks(list(dict.fromkeys(measurement.method for measurement in run.measurements)))
    rates = sorted({measurement.rate for measurement in run.measurements}, reverse=True)
    parts = [
        _BEGINNING.format(**run.description.model_dump(), rates=" / ".join(f"{rate:g}" for rate in rates)),
        "## All together\n",
        summary_table(cells),
        f"\n## `{overview.method}` beside the best baseline\n",
        margin_table(cells, overview.method, overview.baselines),
    ]
    data_sets = list(dict.fromkeys(measurement.data_set for measurement in run.measurements))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in dict.fromkeys(map(kind_of, data_sets)):
            parts.append(f"\n## {kind[:1].upper()}{kind[1:]}\n")
            file = re.sub(r"\W+", "-", kind) + ".svg"
            of_kind = [measurement for measurement in run.measurements if kind_of(measurement.data_set) == kind]
            if draw_quality_and_cost(folder / file, kind, of_kind, looks, overview.rate):
                parts.append(f"![quality against seconds: {kind}]({file})")
            for data_set in data_sets:
                if kind_of(data_set) == kind:
                    parts.append(f"\n### {data_set}\n\n{data_set_table(cells, data_set)}")
        (folder / "README.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{folder}: cannot be written ({error.strerror})") from None
