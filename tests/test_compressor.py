"""The one call, the held compressor, and what becomes of bad input."""

from __future__ import annotations

import asyncio
import copy
import threading
import time

import pytest
from meeting_documents import DOCUMENTS, QUESTION

import tersely
from conftest import is_used_or_explained
from doubles import FakeScorer
from tersely import (
    CompressionResult,
    CompressionSettings,
    Compressor,
    InvalidInputError,
    ModelError,
    ProtectedTextError,
    TerselyError,
    TokenizerError,
)
from tersely.methods import methods_of


def test_documents_in_every_form(fake_compressor) -> None:
    result = fake_compressor.compress(DOCUMENTS, QUESTION, rate=0.6, instruction="Answer briefly.")
    assert {one.index: one.document.id for one in result.documents} == {0: None, 1: "7", 2: None}
    assert result.prompt == f"Answer briefly.\n\n{result.context}\n\n{QUESTION}"
    assert result.method == "evidence" and result.model == "fake" and result.tokenizer == "o200k_base"
    assert set(result.seconds) == {"segment", "rank", "score", "fit", "render"}
    assert result.rate == pytest.approx(result.compressed_tokens / result.original_tokens)
    assert result.rate * result.ratio == pytest.approx(1)
    assert "Third\n" in fake_compressor.compress(DOCUMENTS, QUESTION, rate=1.0).context


def test_the_callers_documents_are_untouched(fake_compressor) -> None:
    documents = [{"text": "Some text that is long enough to be cut.", "id": "a", "metadata": {"k": [1]}}]
    before = copy.deepcopy(documents)
    fake_compressor.compress(documents, QUESTION, rate=0.5)
    with pytest.raises(InvalidInputError):
        fake_compressor.compress([*documents, 5], QUESTION, rate=0.5, settings=CompressionSettings(strict=True))
    assert documents == before


def test_methods_by_default(fake_compressor) -> None:
    assert fake_compressor.compress(DOCUMENTS, rate=0.5).method == "salience"
    assert fake_compressor.compress(DOCUMENTS, QUESTION, rate=0.5).method == "evidence"
    assert fake_compressor.compress(DOCUMENTS, QUESTION, rate=0.5, method="llmlingua").method == "llmlingua"


def test_a_budget_given_to_a_call_replaces_the_compressors_own(fake_scorer) -> None:
    compressor = Compressor(fake_scorer, tokenizer=len, settings=CompressionSettings(rate=0.5, order="original"))
    assert compressor.compress(DOCUMENTS).target_tokens == compressor.compress(DOCUMENTS).original_tokens // 2
    result = compressor.compress(DOCUMENTS, QUESTION, target_tokens=60)
    assert result.target_tokens == 60 and [one.index for one in result.documents if one.kept] == sorted(
        one.index for one in result.documents if one.kept
    )


@pytest.mark.parametrize(
    ("documents", "arguments", "named"),
    [
        ([], {"rate": 0.5}, "documents is empty"),
        ("one string", {"rate": 0.5}, "put it in a list"),
        (None, {"rate": 0.5}, "NoneType"),
        (["", 5], {"rate": 0.5}, r"documents\[1\] must be a string.*int 5"),
        ([{"txt": "x"}], {"rate": 0.5}, r'documents\[0\] has no "text" but txt.*keys may be text'),
        ([{"text": "x", "\ud800": 3}], {"rate": 0.5}, r"documents\[0\] cannot be read.*keys may be text"),
        ([{"text": 5}], {"rate": 0.5}, r"documents\[0\] cannot be read \(text: .*string, got 5"),
        ([{"text": "x", "keep_passages": ["y"]}], {"rate": 0.5}, "'y' does not stand in the text"),
        (["x"], {}, "give rate .* or target_tokens"),
        (["x"], {"rate": 0.5, "target_tokens": 5}, "exclude each other"),
        (["x"], {"rate": 0.0}, "rate: .*greater than 0, got 0.0"),
        (["x"], {"rate": 1.5}, "rate: .*less than or equal to 1, got 1.5"),
        (["x"], {"rate": float("nan")}, "rate: .*got nan"),
        (["x"], {"rate": "much"}, "rate: .*'much'"),
        (["x"], {"target_tokens": 0}, "target_tokens: .*got 0"),
        (["x"], {"target_tokens": 2.5}, "target_tokens: .*2.5"),
        (
            ["x"],
            {"rate": 0.5, "method": "magic"},
            "method: .*'evidence', 'salience', .*'llmlingua2' or 'pruner'.*'magic'",
        ),
        (["x"], {"rate": 0.5, "order": "random"}, "order: .*'random'"),
        (["x"], {"rate": 0.5, "protect": ["("]}, r"protect.0: pattern '\(' does not compile"),
        (["x"], {"rate": 0.5, "protect": [""]}, "must not be empty"),
        (["x"], {"rate": 0.5, "method": "longllmlingua"}, "'longllmlingua' needs a question"),
        (["x"], {"rate": 0.5, "method": "evidence"}, "'evidence' needs a question; give one, or use .*'salience'"),
        (["x"], {"rate": 0.5, "question": "  "}, "question is empty"),
        (["x"], {"rate": 0.5, "question": "a\0"}, "question has a NUL byte"),
        (["x"], {"rate": 0.5, "question": 5}, "question must be a string"),
        (["x"], {"rate": 0.5, "instruction": "\ud800"}, "instruction has a lone surrogate"),
    ],
)
def test_bad_input_is_named_with_the_remedy(fake_compressor, documents, arguments, named) -> None:
    with pytest.raises(InvalidInputError, match=named):
        fake_compressor.compress(documents, **arguments)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(InvalidInputError, match="target: no such setting; there are rate, target_tokens"):
        CompressionSettings().overridden(target=5)


def test_empty_documents_are_skipped_and_reported(fake_compressor) -> None:
    result = fake_compressor.compress(["", "Some words to keep or drop here.", " \n\t"], QUESTION, rate=0.5)
    assert [(one.index, one.reason) for one in result.skipped] == [
        (0, "empty or only white space"),
        (2, "empty or only white space"),
    ]
    assert [one.index for one in result.documents] == [1]


def test_protected_text_above_the_budget_says_by_how_much(fake_compressor) -> None:
    with pytest.raises(ProtectedTextError, match="more than the budget of 3") as caught:
        fake_compressor.compress(
            [{"text": "Every word of this must be kept as it stands.", "keep": True}], target_tokens=3
        )
    assert (caught.value.needed, caught.value.target) == (11, 3)


def test_a_megabyte_in_one_line_and_ten_thousand_documents(fake_compressor) -> None:
    line = "Some words and the number 1820 in one line. " * 23_000
    for documents in ([line], ["a" * 1_000_000], [f"Document number {i} is short." for i in range(10_000)]):
        started = time.monotonic()
        result = fake_compressor.compress(documents, rate=0.1)
        assert result.compressed_tokens <= result.target_tokens
        assert time.monotonic() - started < 60


@pytest.mark.parametrize("budget", [{"rate": 1.0}, {"target_tokens": 14}])
def test_another_order_never_exceeds_a_budget_that_the_original_order_meets(fake_compressor, budget) -> None:
    documents = ["What is this (thing)\n", "Alpha beta gamma.", "delta epsilon zeta"]
    for order in ("original", "best_first", "best_at_both_ends"):
        result = fake_compressor.compress(documents, "who?", order=order, **budget)
        assert result.compressed_tokens <= result.target_tokens == 14


def test_metadata_without_a_json_form_is_written_as_its_text(fake_compressor) -> None:
    cycle: dict = {}
    cycle["self"] = cycle
    metadata = {"bytes": b"\xff", "cycle": cycle, "surrogate": "\ud800", "nan": float("nan"), 1: {2: "x"}}
    result = fake_compressor.compress([{"text": "some words", "metadata": metadata}], rate=1.0)
    again = CompressionResult.model_validate_json(result.model_dump_json()).documents[0].document
    assert set(again.metadata) == {"bytes", "cycle", "surrogate", "nan", "1"}
    assert result.documents[0].document.metadata["cycle"]["self"] is cycle["self"]


def test_a_new_callable_for_each_call_does_not_load_the_model_anew(fake_scorer, loader) -> None:
    loaded = []

    def load(model, **options):
        loaded.append(model)
        return fake_scorer

    loader(load)
    for _ in range(3):
        result = tersely.compress(["Some. Words."], rate=0.5, model="a/model", tokenizer=lambda text: len(text.split()))
        assert result.compressed_tokens == 1
    assert loaded == ["a/model"]


def test_a_batch_is_each_prompt_alone(fake_compressor) -> None:
    requests = [{"documents": DOCUMENTS, "question": QUESTION}, {"documents": DOCUMENTS[:1], "rate": 0.9}]
    results = fake_compressor.compress_batch(requests, rate=0.5)
    assert [one.context for one in results] == [
        fake_compressor.compress(DOCUMENTS, QUESTION, rate=0.5).context,
        fake_compressor.compress(DOCUMENTS[:1], rate=0.9).context,
    ]


def test_an_error_in_a_batch_costs_nothing_of_the_rest(fake_compressor) -> None:
    requests = [{"documents": DOCUMENTS}, {"documents": []}, {"documents": DOCUMENTS}]
    with pytest.raises(InvalidInputError, match="documents is empty"):
        fake_compressor.compress_batch(requests, rate=0.5)
    results = fake_compressor.compress_batch(requests, rate=0.5, return_errors=True)
    assert [isinstance(one, TerselyError) for one in results] == [False, True, False]


async def test_async_does_not_block_the_event_loop(fake_compressor, monkeypatch) -> None:
    score = fake_compressor.scorer.score

    def slow_score(*arguments):
        time.sleep(0.3)
        return score(*arguments)

    monkeypatch.setattr(fake_compressor.scorer, "score", slow_score)
    task = asyncio.create_task(fake_compressor.acompress(DOCUMENTS, QUESTION, rate=0.5))
    ticks = 0
    while not task.done():
        await asyncio.sleep(0.01)
        ticks += 1
    assert ticks > 10
    assert isinstance(await task, CompressionResult)


def test_progress_is_reported_from_0_to_1_for_each_stage(tiny_compressor) -> None:
    news: list[tuple[str, float]] = []
    tiny_compressor.compress(DOCUMENTS, QUESTION, rate=0.5, progress=lambda *one: news.append(one))
    for stage in ("segment", "rank", "score", "fit", "render"):
        shares = [share for name, share in news if name == stage]
        assert shares[0] == 0 and shares[-1] == 1 and shares == sorted(shares)


def test_several_threads_get_what_one_gets(tiny_compressor) -> None:
    expected = tiny_compressor.compress(DOCUMENTS, QUESTION, rate=0.5).context
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(tiny_compressor.compress(DOCUMENTS, QUESTION, rate=0.5).context))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


@pytest.mark.parametrize("tiny", ["tiny_llama", "tiny_gpt2"])
@pytest.mark.parametrize("method", methods_of(FakeScorer()))
def test_any_causal_model_compresses_texts_longer_than_its_context(request, tiny, method) -> None:
    folder = request.getfixturevalue(tiny)
    text = " ".join(f"Sentence {i} has some words, and ends." for i in range(60))
    arguments = {"rate": 0.3, "method": method, "model": str(folder), "tokenizer": "cl100k_base"}
    result = tersely.compress([text, text[:200], "Short."], QUESTION, **arguments)
    assert is_used_or_explained(result)
    assert result.context == tersely.compress([text, text[:200], "Short."], QUESTION, **arguments).context


def test_an_unknown_model_and_an_unknown_tokenizer(tiny_llama) -> None:
    with pytest.raises(ModelError, match="unknown model 'gpt-17'"):
        tersely.compress(["x"], rate=0.5, model="gpt-17")
    with pytest.raises(TokenizerError, match="unknown tokenizer 'gpt-17'"):
        tersely.compress(["x"], rate=0.5, model=str(tiny_llama), tokenizer="gpt-17")


def test_html_shows_what_was_kept_and_escapes_it(fake_compressor) -> None:
    result = fake_compressor.compress(["A <script>alert(1)</script> tag among some other words."], QUESTION, rate=0.5)
    html = result._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


@pytest.mark.model
def test_the_function_with_the_embedded_model() -> None:
    result = tersely.compress(DOCUMENTS, QUESTION, rate=0.5)
    assert result.documents[0].index == 0, "the document that answers comes first"
    assert result.compressed_tokens <= result.target_tokens
    assert result.model == "smollm2-135m-instruct"
