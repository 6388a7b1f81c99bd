"""What in the output of programs tells why something failed, and where that counts."""

from __future__ import annotations

import numpy as np

from tersely import Document
from tersely.methods.evidence.failures import failure_signs
from tersely.text.segmentation import own_text, segment_documents

QUESTION = "Why did this job fail?"
LOG = [
    "2026-11-30T20:31:00Z Starting",
    *(f"2026-11-30T20:31:{second:02}Z Downloading part {second} of 40" for second in range(1, 41)),
    "2026-11-30T20:32:00Z Writing to /srv/cache",
    "2026-11-30T20:32:01Z cp: /srv/cache: Permission denied",
    "2026-11-30T20:32:02Z owner of /srv/cache is root",
    "2026-11-30T20:32:03Z Cleaning up",
]


def signs(lines: list[str], question: str = QUESTION) -> dict[str, float]:
    segmented = segment_documents([(0, Document(text="\n".join(lines)))])
    texts = [own_text(segmented[0], unit) for unit in segmented[0].units]
    return dict(zip(texts, failure_signs(segmented, question).tolist(), strict=True))


def test_the_line_that_tells_of_a_failure_comes_first_then_its_neighbours() -> None:
    values = signs(LOG)
    best_first = sorted(values, key=values.__getitem__, reverse=True)
    assert best_first[0].endswith("Permission denied")
    assert {line[21:] for line in best_first[1:4]} == {
        "owner of /srv/cache is root",
        "Cleaning up",
        "Writing to /srv/cache",
    }


def test_of_lines_that_say_nothing_later_ones_count_more() -> None:
    values = list(signs(LOG).values())
    assert values[:40] == sorted(values[:40])


def test_nothing_counts_where_the_question_asks_for_something_else() -> None:
    assert set(signs(LOG, "Who owns the cache?").values()) == {0.0}


def test_prose_is_no_output() -> None:
    prose = "The error was found in 1820. It had failed twice. Nobody could say why the exception was made."
    assert set(signs([prose]).values()) == {0.0}


def test_a_failure_that_repeats_does_not_crowd_out_the_last_one() -> None:
    retries = [f"2026-11-30T20:31:00Z Error: attempt {number} failed" for number in range(200)]
    values = signs([*retries, "2026-11-30T20:32:00Z Error: disk is full"])
    best = max(values, key=values.__getitem__)
    assert best.endswith("disk is full")
    assert sum(value > values[best] / 2 for value in values.values()) < 20


def test_a_count_of_no_errors_is_no_failure() -> None:
    values = signs(["12:00:00 step one", "12:00:01 finished, 0 failed, no errors", "12:00:02 step three"])
    assert np.ptp(list(values.values())) == 0.0
