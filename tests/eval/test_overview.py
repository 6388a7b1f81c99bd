"""All data sets, methods and rates in one page: what is measured, how it goes on, and what the page says."""

from __future__ import annotations

import shutil
from xml.etree import ElementTree

import pytest
from small_runs import measurement, run

from conftest import DATA
from tersely_eval import overview
from tersely_eval.measure import read_run
from tersely_eval.peers import peers
from tersely_eval.peers.baselines import BASELINES
from tersely_eval.report import Overview, write_overview
from tersely_eval.report.overview_tables import (
    data_set_table,
    kind_of,
    margin_table,
    mean_quality,
    overview_cells,
    summary_table,
)

KOMPRESS = "headroom-0.42.0/kompress"


def rows(table: str) -> dict[str, list[str]]:
    """A Markdown table's cells by the first of their row."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {first.strip("`"): others for first, *others in cells}


def two_sets():
    """Two sets at two rates: one with answers, one with marked evidence only."""
    values = {
        ("hotpot-dev", "evidence"): (1, 1, 1, 0),
        ("hotpot-dev", "truncation"): (0, 0, 1, 0),
        ("hotpot-dev", "tail"): (0, 1, 0, 0),
        ("qmsum-dev", "evidence"): (0.5, 0.7),
        ("qmsum-dev", "truncation"): (0.9, 0.9),
        ("qmsum-dev", "tail"): (0.1, 0.2),
    }
    for (data_set, method), figures in values.items():
        for rate in (0.25, 0.125):
            for question, figure in enumerate(figures):
                key = "answer_kept" if data_set == "hotpot-dev" else "support_kept"
                of_rate = figure * (1 if rate == 0.25 else 0)
                yield measurement(
                    question,
                    data_set=data_set,
                    method=method,
                    rate=rate,
                    seconds=0.5,
                    units_whole=1,
                    cut_units=2,
                    **{key: of_rate},
                )


def test_quality_is_the_answers_or_where_there_are_none_the_evidence() -> None:
    cells = overview_cells(list(two_sets()))
    table = rows(summary_table(cells))
    assert table["method"] == ["hotpot-dev", "qmsum-dev", "mean of the sets"]
    assert table["evidence"] == [".75 / .00", ".60 / .00", ".68 / .00"]
    assert mean_quality(cells, "truncation", 0.25) == pytest.approx((0.25 + 0.9) / 2)


def test_a_question_without_an_answer_does_not_count_where_others_have_one() -> None:
    taken = [measurement(1, answer_kept=1, support_kept=0), measurement(2, support_kept=0)]
    assert rows(summary_table(overview_cells(taken)))["evidence"] == ["1.00", "1.00"]


def test_the_margin_is_to_the_best_baseline_of_each_set_and_in_the_mean_to_the_best_single_one() -> None:
    table = rows(margin_table(overview_cells(list(two_sets())), "evidence", ("truncation", "tail", "minilm")))
    assert table["hotpot-dev"][0] == "+0.50 (`truncation`)"
    assert table["qmsum-dev"][0] == "-0.30 (`truncation`)"
    assert table["mean of the sets"][0] == "+0.10 (`truncation`)"


def test_a_method_that_misses_a_set_has_no_mean_over_the_sets() -> None:
    cells = overview_cells([*two_sets(), measurement(0, data_set="hotpot-dev", method="new", rate=0.25, answer_kept=1)])
    assert mean_quality(cells, "new", 0.25) is None
    assert rows(summary_table(cells))["new"] == ["1.00 / –", "– / –", "– / –"]


def test_the_table_of_a_set_has_intervals_truth_and_failures() -> None:
    failed = measurement(9, data_set="hotpot-dev", method="tail", rate=0.25, error="PeerError: no | word")
    table = rows(data_set_table(overview_cells([*two_sets(), failed]), "hotpot-dev"))
    named = dict(zip(table["method"], table["evidence"], strict=True))
    assert named["quality [95%] at 0.25 / 0.125"] == ".75 [.25–1.00] / .00 [.00–.00]"
    assert (named["seconds"], named["units whole"], named["cut units"]) == ("0.5 / 0.5", "1.00 / 1.00", "2.0 / 2.0")
    assert (named["n"], named["failed"]) == ("4 / 4", "0")
    assert "1: PeerError: no \\" in table["tail"]


def test_a_page_has_a_chart_for_each_kind_of_text(tmp_path) -> None:
    write_overview(tmp_path / "out", run(*two_sets()), Overview("evidence", ("truncation", "tail"), 0.25))
    page = (tmp_path / "out" / "README.md").read_text()
    for kind, file in (("prose, two documents needed", "prose-two-documents-needed.svg"), ("meetings", "meetings.svg")):
        assert f"![quality against seconds: {kind}]({file})" in page
        drawn = ElementTree.parse(tmp_path / "out" / file).getroot()
        assert {"evidence", "truncation", "tail", kind} <= {"".join(text.itertext()) for text in drawn.iter()}


def test_a_kind_is_told_by_the_name_of_the_set() -> None:
    assert kind_of("xquad-zh-dev") == kind_of("rgb-zh-dev") == "Chinese"
    assert kind_of("our-own") == "our-own"


@pytest.fixture
def folder(tmp_path, fake_model, monkeypatch):
    """A folder of two data sets, and no peer installed."""
    monkeypatch.setattr(peers, "ENVIRONMENTS", tmp_path / "no-peers")
    data = tmp_path / "data"
    data.mkdir()
    for name in ("hotpot-a", "mine"):
        shutil.copy(DATA / "hotpot-sample.jsonl", data / f"{name}.jsonl")
    return data


def call(folder, *arguments: str) -> int:
    places = ["--runs", str(folder.parent / "runs"), "--out", str(folder.parent / "out")]
    return overview.main([str(folder), *places, "--limit", "1", *arguments])


def test_every_set_method_and_rate_is_a_row_and_a_peer_that_is_missing_says_so(folder) -> None:
    assert call(folder, "--methods", f"truncation,minilm,{KOMPRESS}") == 0
    page = (folder.parent / "out" / "README.md").read_text()
    assert page.count("\n### ") == 2
    assert page.count("3: PeerError: run `make peers`") == 4, "two methods on two sets"
    assert "make table DATA=" in page


def test_an_interrupted_call_goes_on_and_measures_nothing_twice(folder, monkeypatch) -> None:
    calls: list[str] = []
    interrupt_at = 4

    def counted(*arguments):
        calls.append("tail")
        if len(calls) == interrupt_at:
            raise KeyboardInterrupt
        return BASELINES["truncation"](*arguments)

    monkeypatch.setitem(BASELINES, "tail", counted)
    assert call(folder, "--methods", "truncation,tail") == 130
    assert "`truncation`" in (folder.parent / "out" / "README.md").read_text()
    first = read_run(overview.run_path(folder.parent / "runs", "truncation")).measurements
    assert call(folder, "--methods", "truncation,tail") == 0
    assert len(calls) == 6 + 1, "two sets at three rates, and the one that was interrupted"
    assert read_run(overview.run_path(folder.parent / "runs", "truncation")).measurements == first


def test_a_page_can_be_written_from_what_is_there(folder) -> None:
    assert call(folder, "--methods", "truncation") == 0
    (folder.parent / "out" / "README.md").unlink()
    assert call(folder, "--methods", "truncation,tail", "--only-write") == 0
    assert "`tail`" not in (folder.parent / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only-write"], "nothing was measured there yet"),
        (["--methods", "best"], "there is no 'best'"),
    ],
)
def test_a_wrong_call_is_refused(folder, capsys, arguments, message) -> None:
    assert call(folder, *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_folder_without_data_sets_is_refused(tmp_path, capsys) -> None:
    assert overview.main([str(tmp_path)]) == 2
    assert f"{tmp_path}: no file *.jsonl there" in capsys.readouterr().err


def test_a_slow_peer_has_thirty_questions_and_one_rate(folder) -> None:
    request = overview.Request(folder, folder, folder, ("evidence", *overview.SLOW), 50, "model", "cl100k_base")
    of_methods = overview.plans(request)
    assert {(of_methods[name].limit, of_methods[name].rates) for name in overview.SLOW} == {(30, (0.125,))}
    assert (of_methods["evidence"].limit, of_methods["evidence"].rates) == (50, (0.25, 0.125, 0.06))
    few = overview.plans(request._replace(limit=5))
    assert few[overview.SLOW[0]].limit == 5


def test_every_method_of_the_page_is_there() -> None:
    from tersely_eval.peers import method_names

    assert set(overview.METHODS) <= set(method_names())
