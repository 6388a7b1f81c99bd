"""The page: what stands on it, text that tries to be markup, and how a browser shows it."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import re

import pytest
from page_of_a_run import Page, html, page, run
from synthetic_run import DESCRIPTION, synthetic_run

from tersely import Span
from tersely_eval.measure.measurement import Example, Measurement, Run
from tersely_eval.report.page import html_page

EVIL = '<script>alert("x")</script> & \'quotes\' </style></details><img src=x onerror="alert(1)"> {{ 7 * 7 }} $x$'


def measurement(**figures) -> Measurement:
    usual = {"data_set": "some", "question": "1", "method": "evidence", "rate": 0.5, "original_tokens": 100}
    return Measurement.model_validate({**usual, "target_tokens": 50, "tokens": 49, **figures})


def table(html: str) -> list[list[str]]:
    """The cells of the first table, of rows and headings."""
    rows = re.findall(r"<tr.*?</tr>", html[html.index("<table") : html.index("</table>")], re.DOTALL)
    return [
        [" ".join(re.sub("<[^>]+>", " ", cell).split()) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


def test_it_is_well_formed_and_needs_nothing_else(page) -> None:
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "xlink:href", "src"):
                assert value.startswith("#")
    assert not re.search(r"@import|url\((?!#)", page.all("style"))


def test_links_lead_somewhere_and_ids_are_unique(page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == ["#data-1", "#data-2", "#economics", "#examples"]
    assert {link[1:] for link in links} <= set(ids)


def test_it_says_how_it_was_made(page) -> None:
    made = page.all("dd")
    for value in (DESCRIPTION.command, DESCRIPTION.date, DESCRIPTION.model, DESCRIPTION.tokenizer, DESCRIPTION.machine):
        assert value in made
    assert "Answered by" not in page.all("dt")
    assert "6 methods, 2 data sets, 100 questions, 1,800 measurements, none of them failed." in page.all("p")


def test_a_reader_is_named(run) -> None:
    description = DESCRIPTION.model_copy(update={"reader": "some <LLM>"})
    assert "<dt>Answered by</dt><dd>some &lt;LLM&gt;</dd>" in html_page(Run(description, [], []))


def test_the_same_run_is_the_same_page(run, html) -> None:
    assert html_page(run, "<h3>Break-even</h3>") == html


def test_each_data_set_has_a_table_with_scopes_and_three_charts(page) -> None:
    headings = [attributes.get("scope") for tag, attributes in page.tags if tag == "th"]
    assert headings.count("rowgroup") == 2 * 3 and headings.count("row") == 2 * 3 * 6 and None not in headings
    charts = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(charts) == 6 and all(chart["role"] == "img" for chart in charts)


def test_figures_of_the_table() -> None:
    measurements = [
        measurement(
            question="1",
            answer_kept=True,
            support_kept=1.0,
            units_whole=0.75,
            context_missing=0.125,
            cut_units=4,
            recall=0.5,
            broken_words=1,
            seconds=0.5,
        ),
        measurement(
            question="2",
            answer_kept=True,
            support_kept=0.5,
            units_whole=1.0,
            cut_units=0,
            recall=1.0,
            broken_words=2,
            seconds=3.0,
            tokens=60,
        ),
        measurement(question="3", support_kept=0.0, broken_words=0, seconds=1.234, peak_bytes=1_500_000_000, tokens=20),
        measurement(method="truncation", rate=0.25, target_tokens=25, tokens=25, seconds=0.00123),
    ]
    headings, half, evidence, quarter, truncation = table(html_page(Run(DESCRIPTION, measurements, [])))
    assert half == ["50% of the tokens, 2 times shorter"] and quarter == ["25% of the tokens, 4 times shorter"]
    assert dict(zip(headings, evidence, strict=True)) == {
        "Method": "● evidence",
        "Answer kept": "100% (100–100)",
        "Evidence kept": "50%",
        "Units whole": "88%",
        "Context missing": "12.5%",
        "Cut": "2.0",
        "Recall at 5": "75%",
        "Delivered": "43.0%",
        "Delivered at most": "60.0%",
        "Above budget": "1",
        "Broken words": "3",
        "Seconds": "1.23",
        "Tokens a second": "81",
        "Memory": "1.5 GB",
        "Questions": "3 (2)",
    }
    assert truncation == ["■ truncation", *"––––––", "25.0%", "25.0%", "0", "–", "0.0012", "81,301", "–", "1 (0)"]


@pytest.mark.parametrize(("share", "words"), [(1.0, "kept"), (0.0, "lost"), (0.75, "75% kept"), (None, "")])
def test_an_example_says_what_became_of_the_answer(share, words) -> None:
    example = Example(
        data_set="some",
        question_id="1",
        question="When?",
        answers=("1820",),
        documents=[("", "Built in 1820.")],
        kept={"evidence": [[Span(0, 14)]]},
        rate=0.5,
    )
    html = html_page(Run(DESCRIPTION, [measurement(answer_kept=share)], [example]))
    assert f"<p>{f'answer {words}, ' if words else ''}49 of 50 tokens</p>" in html


def test_failures_have_a_row_with_their_reasons() -> None:
    measurements = [
        measurement(question="1"),
        measurement(question="2", error="ValueError: too <long>"),
        measurement(question="3", error="ValueError: too\n<long>"),
        measurement(question="4", error="E" * 1000),
        measurement(question="1", method="broken", error="OSError: no model"),
    ]
    html = html_page(Run(DESCRIPTION, measurements, []))
    _, _, _, failures, broken, reason = table(html)
    assert failures[0].startswith("evidence failed on 3 of 4 questions: ValueError: too &lt;long&gt; (2 times); EEE")
    assert len(failures[0]) < 450 and failures[0].endswith("EEE…")
    assert broken == ["■ broken", "–", "–", "–", "0 (0)"]
    assert reason == ["broken failed on 1 of 1 questions: OSError: no model"]
    assert "4 of them failed" in html


@pytest.mark.parametrize("methods", [1, 12])
def test_few_and_many_methods(hotpot, methods) -> None:
    page = Page(html_page(synthetic_run(hotpot, methods=methods, number=12)))
    assert [tag for tag, _ in page.tags].count("article") == methods * len(hotpot)


def test_without_answers_examples_and_money() -> None:
    html = html_page(Run(DESCRIPTION, [measurement()], []))
    assert "Answer kept" not in table(html)[0]
    assert "Not drawn: no question was measured whose answer strings can tell." in html
    assert 'id="examples"' not in html and 'id="economics"' not in html


def test_a_run_that_was_interrupted_at_once_has_a_page() -> None:
    assert "Nothing was measured." in html_page(Run(DESCRIPTION, [], []))


def test_examples_show_kept_and_dropped_text_and_the_answer(hotpot, html) -> None:
    page = Page(html[html.index('id="examples"') - len("<section ") : html.index("</main>")])
    for question in hotpot:
        assert question["question"] in page.all("h3")
    assert "German" in page.text["mark"] and "M. Night Shyamalan" in page.text["mark"]
    assert "characters …" in page.all("del")
    assert len(page.all("del")) > len(page.all("mark")) * 10


def test_an_example_says_what_was_measured_of_it() -> None:
    example = Example(
        data_set="some",
        question_id="1",
        question="When?",
        answers=("1820",),
        documents=[("Mill", "Built in 1820. Sold.")],
        kept={"evidence": [[Span(0, 14)]], "broken": [], "unmeasured": [[]]},
        rate=0.5,
    )
    measurements = [
        measurement(answer_kept=True, prediction="in <1820>"),
        measurement(method="broken", error="no <model>"),
        measurement(rate=0.25, answer_kept=False, tokens=7),
    ]
    articles = html_page(Run(DESCRIPTION, measurements, [example])).split("<article>")[1:]
    evidence, broken, unmeasured = [article.partition("</article>")[0] for article in articles]
    assert "answer kept, 49 of 50 tokens" in evidence and "answered: “in &lt;1820&gt;”" in evidence
    assert "Built in <mark>1820</mark>.<del> Sold.</del>" in evidence
    assert "no &lt;model&gt;" in broken
    assert "<h5><del>Mill</del></h5>" in unmeasured and "tokens" not in unmeasured


def test_everything_that_came_from_outside_is_escaped() -> None:
    evil = Example(
        data_set=EVIL,
        question_id="1",
        question=EVIL,
        answers=(EVIL,),
        documents=[(EVIL, EVIL), (EVIL, EVIL)],
        kept={EVIL: [[Span(0, len(EVIL))], [Span(0, 20)]], "broken": [], EVIL + "2": [[Span(3, 9)], []]},
        rate=0.5,
    )
    measurements = [
        measurement(data_set=EVIL, method=EVIL, prediction=EVIL, answer_kept=True),
        measurement(data_set=EVIL, method="broken", error=EVIL),
    ]
    description = DESCRIPTION.model_copy(update=dict.fromkeys(DESCRIPTION.model_fields_set | {"reader"}, EVIL))
    html = html_page(Run(description, measurements, [evil]))
    page = Page(html)
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert "<script" not in html and "{{ 7 * 7 }}" in html and " 49 " not in page.all("h3")
    assert EVIL in page.all("h3")
