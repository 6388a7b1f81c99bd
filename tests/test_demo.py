"""The demo: its documents, its questions, and both of its pipelines."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from tersely import CompressionSettings, InvalidInputError
from tersely_cli import demo
from tersely_cli.app import app


@pytest.fixture(scope="module")
def sections():
    return demo.reference_sections()


@pytest.fixture
def without_llama_index(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_index.core", None)


@pytest.fixture
def show(fake_model):
    """Run the demo with a scorer that needs no model; what it shows, and what it notes."""

    def show(question, top_k=5, **settings):
        out, notes = StringIO(), []
        settings = CompressionSettings(**(settings or {"rate": 0.25}))
        console = Console(file=out, width=80)
        demo.run(question, settings, top_k, console, progress=lambda _: nullcontext(), note=notes.append)
        return out.getvalue(), notes

    return show


def test_sections_are_the_whole_reference_and_each_stands_once(sections) -> None:
    assert sum(len(section.text) for section in sections) > 300_000
    assert len({section.id for section in sections}) == len(sections)
    assert len({section.text.partition("\n\n")[2] for section in sections}) == len(sections)
    assert any(section.id == 'try: "finally" clause' for section in sections)


@pytest.mark.parametrize("question", demo.QUESTIONS)
@pytest.mark.parametrize("pipeline", [demo._LlamaIndexPipeline, demo._PlainPipeline])
def test_each_question_is_answered_in_what_is_retrieved(sections, question, pipeline) -> None:
    passages = pipeline(sections).retrieve(question, 10)
    texts = [passage.text for passage in passages]
    assert len(texts) == 10
    assert demo.QUESTIONS[question] in " ".join(" ".join(texts).split())


def test_find_question() -> None:
    first, second = list(demo.QUESTIONS)[:2]
    assert demo.find_question(None) == first
    assert demo.find_question("2") == second
    assert demo.find_question("What is a slice?") == "What is a slice?"
    for wrong in ("0", "99", " "):
        with pytest.raises(InvalidInputError):
            demo.find_question(wrong)


def test_demo_shows_question_budget_kept_text_prompt_and_times(show) -> None:
    question = demo.find_question(None)
    shown, notes = show(question)
    assert notes == []
    assert "LlamaIndex with its BM25 retriever over Python's own language reference" in shown
    assert question in shown and demo.QUESTIONS[question] in shown
    assert "Retrieved: 5 passages" in shown and "tokens: " in shown and " used (" in shown
    prompt = shown.partition("The prompt")[2].partition("Time ━")[0]
    assert demo._INSTRUCTION in prompt and prompt.rstrip().endswith(question)
    assert "load the model" in shown and "compress" in shown.partition("Time ━")[2]
    assert max(map(len, shown.splitlines())) <= 80


def test_demo_without_llama_index_does_the_same_and_says_so(show, without_llama_index) -> None:
    shown, notes = show("What is a slice?", target_tokens=100)
    assert notes == ["LlamaIndex is not installed, so this is bm25s alone: pip install 'tersely[llama-index]'"]
    assert "BM25 over Python's own language reference" in shown
    assert "budget 100 tokens" in shown


def test_llama_index_nodes_are_the_context_of_the_result(sections, fake_compressor) -> None:
    pipeline = demo._LlamaIndexPipeline(sections)
    question = demo.find_question(None)
    fake_compressor.settings = CompressionSettings(rate=0.3)
    context, result = pipeline.compress(pipeline.retrieve(question, 4), question, fake_compressor)
    assert context == result.context


@pytest.mark.parametrize("question", ["is it the", "?!"])
def test_a_question_of_no_known_words_still_works(show, question) -> None:
    assert "Retrieved: 2 passages" in show(question, top_k=2)[0]


def test_more_passages_than_there_are(show, without_llama_index, monkeypatch, sections) -> None:
    monkeypatch.setattr(demo, "reference_sections", lambda: sections[:3])
    assert "Retrieved: 3 passages" in show("await?", top_k=10_000, rate=1)[0]


def test_list_prints_the_questions_with_their_numbers() -> None:
    done = CliRunner().invoke(app, ["demo", "--list"])
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [f"{number}. {text}" for number, text in enumerate(demo.QUESTIONS, start=1)]


@pytest.mark.model
def test_the_demo_as_a_user_runs_it() -> None:
    done = CliRunner().invoke(app, ["demo", "--top-k", "3", "--rate", "0.5"], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.stderr
    used = float(done.stdout.partition(" used (")[2].partition("%")[0])
    assert 97 <= used <= 100
