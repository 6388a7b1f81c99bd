"""Charts: what they show, where figures are missing, and that they look after themselves on a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from synthetic_run import synthetic_run

from tersely_eval.measure.measurement import Measurement
from tersely_eval.report.charts import SHAPES, Chart, draw_charts, marks
from tersely_eval.report.summary import summarise
from tersely_eval.report.svg import COLOURS


def draw(
    measurements: list[Measurement], change: Callable[[Measurement], dict] = lambda _: {}, name: str = "one"
) -> list[Chart]:
    changed = [measurement.model_copy(update=change(measurement)) for measurement in measurements]
    methods = list(dict.fromkeys(measurement.method for measurement in changed))
    return draw_charts(name, "some <data> & more", summarise(changed), marks(methods))


@pytest.fixture(scope="module")
def measurements() -> list[Measurement]:
    return synthetic_run(methods=3, number=12).measurements


@pytest.fixture(scope="module")
def charts(measurements) -> list[Chart]:
    return draw(measurements)


def texts(chart: Chart) -> list[str | None]:
    return [element.text for element in ElementTree.fromstring(chart.svg).iter("{http://www.w3.org/2000/svg}text")]


def test_there_are_three_with_labelled_axes(charts) -> None:
    assert [chart.heading for chart in charts] == ["Answers kept", "Rate delivered", "Seconds a question"]
    answers, delivered, seconds = map(texts, charts)
    assert {"12.5%", "25%", "50%", "0%", "100%", "rate delivered"} <= set(answers)
    assert {"rate asked", "rate delivered"} <= set(delivered)
    assert {"original tokens", "seconds", "0.01", "0.1"} <= set(seconds)


def test_each_has_a_title_to_be_read_aloud(charts) -> None:
    for chart in charts:
        root = ElementTree.fromstring(chart.svg)
        assert root.get("role") == "img"
        title = root[0]
        assert title.tag.endswith("title") and title.get("id") == root.get("aria-labelledby")
        assert title.text.startswith("some <data> & more: ")
        assert "some <data>" not in chart.svg


def test_ids_are_of_one_chart_alone_and_all_that_is_used_is_there(charts, measurements) -> None:
    everything = [chart.svg for chart in [*charts, *draw(measurements, name="two")]]
    ids = [identifier for svg in everything for identifier in re.findall(r'\bid="([^"]+)"', svg)]
    assert len(ids) == len(set(ids))
    used = {identifier for svg in everything for identifier in re.findall(r'(?:href="#|url\(#)([^")]+)', svg)}
    assert used and used <= set(ids)


def test_colours_are_the_page_s_and_no_rule_leaks_into_it(charts) -> None:
    for chart in charts:
        assert "<style" not in chart.svg and "<metadata" not in chart.svg
        assert f"stroke: var(--series-1, {COLOURS[1][0]})" in chart.svg
        assert "currentColor" in chart.svg
        assert set(re.findall(r"#[0-9a-f]{6}(?=[^)])", chart.svg)) == set()


def test_the_same_figures_are_the_same_chart(charts, measurements) -> None:
    assert draw(measurements) == charts


def test_the_style_of_others_is_left_alone(measurements) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    draw(measurements)
    assert dict(matplotlib.rcParams) == before


def test_what_is_above_its_budget_is_marked_and_counted(measurements) -> None:
    first = measurements[0]
    chart = draw(
        measurements, lambda measurement: {"tokens": measurement.target_tokens + 1} if measurement is first else {}
    )[1]
    assert "Crosses mark what is above: 1." in chart.caption
    assert "--alarm" in chart.svg
    kept = draw(measurements)[1]
    assert kept.caption.endswith("Nothing is above them.") and "--alarm" not in kept.svg


@pytest.mark.parametrize(
    ("missing", "not_drawn"),
    [
        ({"answer_kept": None}, ["Answers kept"]),
        ({"seconds": None}, ["Seconds a question"]),
        ({"error": "it failed"}, ["Answers kept", "Rate delivered", "Seconds a question"]),
    ],
)
def test_what_was_not_measured_is_not_drawn_and_said(measurements, missing, not_drawn) -> None:
    charts = draw(measurements, lambda _: missing)
    assert [chart.heading for chart in charts if not chart.svg] == not_drawn
    assert all(chart.caption.startswith("Not drawn: ") == (chart.heading in not_drawn) for chart in charts)


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": 0},
        {"tokens": 0, "original_tokens": 0, "target_tokens": 0},
        {"seconds": 0.0},
        {"rate": 0.25},
        {"tokens": 100_000},
        {"original_tokens": 1, "target_tokens": 1, "tokens": 1},
        {"answer_kept": True},
    ],
)
def test_odd_figures_are_drawn_without_a_warning(measurements, change, recwarn) -> None:
    assert all(chart.svg and "nan" not in chart.svg for chart in draw(measurements, lambda _: change))
    assert not recwarn.list


def test_one_question_is_enough(measurements, recwarn) -> None:
    assert all(chart.svg for chart in draw(measurements[:1]))
    assert not recwarn.list


def test_no_two_methods_look_alike() -> None:
    methods = [str(number) for number in range(len(COLOURS) * len(SHAPES))]
    looks = marks(methods)
    assert len({(look.colour, look.marker) for look in looks.values()}) == len(methods)
