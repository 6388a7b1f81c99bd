"""The drop-in for llmlingua: the ways its own pages call it, its signatures, budgets, counts, warnings and misuse."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import inspect
import json
import subprocess
import sys
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llmlingua_prompts import (
    BAKER,
    CONTEXTS,
    MILL,
    QUESTION,
    WIND,
    count,
    no_unexpected_warning,
    prompt_compressor,
    watched,
)

from conftest import DATA
from tersely import DEFAULT_MODEL, Compressor
from tersely.compat.llmlingua import PromptCompressor

KEYS = ["compressed_prompt", "origin_tokens", "compressed_tokens", "ratio", "rate", "saving"]
INSTRUCTION = "Answer from the text."


def test_signatures_are_those_of_the_reference() -> None:
    """The table was made from the unpacked wheel of llmlingua 0.2.2 by

    source = Path("llmlingua/prompt_compressor.py").read_text()
    (found,) = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    for function in found.body:
        if isinstance(function, ast.FunctionDef):
            parameters = [argument.arg for argument in function.args.args[1:]]
            defaults = [ast.literal_eval(one) for one in function.args.defaults]
            required = len(parameters) - len(defaults)
            table[function.name] = [
                [name] + ([defaults[i - required]] if i >= required else []) for i, name in enumerate(parameters)
            ]
    """
    table = json.loads((DATA / "llmlingua_signatures.json").read_text())
    assert len(table) == 7
    for name, expected in table.items():
        parameters = list(inspect.signature(getattr(PromptCompressor, name)).parameters.values())[1:]
        own = [parameter for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
        found = [
            [parameter.name] + ([] if parameter.default is parameter.empty else [parameter.default])
            for parameter in own
        ]
        assert found == expected, name
    assert list(inspect.signature(PromptCompressor).parameters)[6:] == ["method"]


def test_importing_it_loads_no_torch() -> None:
    program = "import sys, tersely.compat.llmlingua; print({'torch', 'transformers', 'yaml'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"


def test_a_prompt_to_a_number_of_tokens(prompt_compressor) -> None:
    result = prompt_compressor.compress_prompt(MILL, instruction="", question="", target_token=20)
    assert list(result) == KEYS
    assert result["origin_tokens"] == count(MILL)
    assert 0 < result["compressed_tokens"] == count(result["compressed_prompt"]) <= 20
    assert result["ratio"] == f"{result['origin_tokens'] / result['compressed_tokens']:.1f}x"
    assert result["rate"] == f"{100 * result['compressed_tokens'] / result['origin_tokens']:.1f}%"
    assert result["saving"] == ", Saving $0.0 in GPT-4."


def test_calling_it_is_compressing_a_prompt(prompt_compressor) -> None:
    arguments = (CONTEXTS, INSTRUCTION, QUESTION, 0.5)
    assert prompt_compressor(*arguments) == prompt_compressor.compress_prompt(*arguments)


def test_the_recipe_for_longllmlingua(fake_model) -> None:
    """With the paper's method chosen, all of its parameters have a meaning."""
    result = PromptCompressor(method="longllmlingua").compress_prompt(
        CONTEXTS,
        question=QUESTION,
        rate=0.55,
        condition_in_question="after_condition",
        reorder_context="sort",
        dynamic_context_compression_ratio=0.3,
        condition_compare=True,
        context_budget="+100",
        rank_method="longllmlingua",
    )
    assert result["compressed_tokens"] <= 0.55 * result["origin_tokens"]
    assert result["compressed_prompt"].endswith(f"\n\n{QUESTION}")


def test_the_adapters_recipe_without_a_method_names_what_evidence_does_not_use(prompt_compressor) -> None:
    with pytest.warns(UserWarning) as caught:
        prompt_compressor.compress_prompt(
            CONTEXTS,
            instruction="Given the context, please answer the final question",
            question=QUESTION,
            target_token=30,
            rank_method="longllmlingua",
            condition_compare=True,
            condition_in_question="after",
            context_budget="+100",
            reorder_context="sort",
            dynamic_context_compression_ratio=0.4,
        )
    (warning,) = caught
    assert str(warning.message).endswith("and no effect: dynamic_context_compression_ratio, rank_method")
    assert warning.filename == __file__


def test_llmlingua2_without_a_token_classifier(fake_model) -> None:
    with pytest.warns(UserWarning, match="use_llmlingua2: smollm2-135m-instruct is no token classifier, so"):
        compressor = PromptCompressor(use_llmlingua2=True)
    assert (compressor.model_name, compressor.method) == (DEFAULT_MODEL, None)
    with pytest.warns(UserWarning, match=r"force_tokens \['\\n', '\?'\] are no words"):
        result = compressor.compress_prompt(MILL, rate=0.33, force_tokens=["\n", "?"])
    assert list(result) == [KEYS[0], "compressed_prompt_list", *KEYS[1:]]
    assert result["compressed_prompt_list"] == [result["compressed_prompt"]]
    assert 0 < result["compressed_tokens"] <= 0.33 * count(MILL)


def test_llmlingua2_compresses_each_context_to_the_rate(prompt_compressor) -> None:
    result = prompt_compressor.compress_prompt_llmlingua2([*CONTEXTS, " "], rate=0.5)
    *shorter, blank = result["compressed_prompt_list"]
    assert len(shorter) == len(CONTEXTS) and blank == ""
    for text, original in zip(shorter, CONTEXTS, strict=True):
        assert 0 < count(text) <= 0.5 * count(original)
    assert result["origin_tokens"] == sum(map(count, [*CONTEXTS, " "]))
    assert result["compressed_tokens"] == sum(map(count, shorter))


def test_llmlingua2_with_the_context_filter_lists_what_is_left(prompt_compressor) -> None:
    result = prompt_compressor.compress_prompt_llmlingua2(CONTEXTS, target_token=3, use_context_level_filter=True)
    assert 0 < len(result["compressed_prompt_list"]) < 3
    assert result["compressed_prompt"] == "\n\n".join(result["compressed_prompt_list"])
    assert count(result["compressed_prompt"]) <= 3


def test_llmlingua2_labels_words(prompt_compressor) -> None:
    result = prompt_compressor.compress_prompt_llmlingua2(
        [WIND, BAKER], rate=0.5, return_word_label=True, word_sep="|", label_sep="="
    )
    labelled = [one.rsplit("=", 1) for one in result["fn_labeled_original_prompt"].split("|")]
    assert [word for word, _ in labelled] == f"{WIND} {BAKER}".split()
    kept = " ".join(word for word, label in labelled if label == "1")
    assert kept == " ".join(result["compressed_prompt"].split())


@pytest.mark.parametrize("rate", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("instruction", ["", INSTRUCTION])
@pytest.mark.parametrize("concate_question", [True, False])
def test_a_rate_is_that_of_the_whole_prompt(prompt_compressor, rate, instruction, concate_question) -> None:
    result = prompt_compressor.compress_prompt(CONTEXTS, instruction, QUESTION, rate, concate_question=concate_question)
    assert result["origin_tokens"] == count("\n\n".join([instruction, *CONTEXTS, QUESTION]).strip())
    assert result["compressed_tokens"] <= rate * result["origin_tokens"]
    prompt = result["compressed_prompt"]
    assert rate < 0.5 or any(sentence in prompt for text in CONTEXTS for sentence in text.split(". "))
    assert prompt.startswith(instruction) and prompt.endswith(QUESTION) == concate_question


def test_a_target_is_that_of_the_context_and_wins_over_a_rate(prompt_compressor) -> None:
    result = prompt_compressor.compress_prompt(CONTEXTS, INSTRUCTION, QUESTION, rate=0.9, target_token=25.0)
    context = result["compressed_prompt"].removeprefix(f"{INSTRUCTION}\n\n").removesuffix(f"\n\n{QUESTION}")
    assert 0 < count(context) <= 25


def test_a_question_longer_than_the_budget_leaves_the_context_its_rate(prompt_compressor) -> None:
    question = "When, after so many years of decay and of neglect, was the old mill at last sold to its new owner?"
    with pytest.warns(UserWarning, match="the rate is taken of the context alone"):
        result = prompt_compressor.compress_prompt(BAKER, question=question, rate=0.5)
    context = result["compressed_prompt"].removesuffix(question)
    assert 0 < count(context.strip()) <= 0.5 * count(BAKER)


def test_rate_one_changes_nothing(prompt_compressor) -> None:
    result = prompt_compressor.compress_prompt(CONTEXTS, INSTRUCTION, QUESTION, rate=1)
    assert result["compressed_prompt"] == "\n\n".join([INSTRUCTION, *CONTEXTS, QUESTION])
    assert (result["ratio"], result["rate"]) == ("1.0x", "100.0%")


def test_a_prompt_of_one_word_stays(prompt_compressor) -> None:
    assert prompt_compressor.compress_prompt("hello")["compressed_prompt"] == "hello"


@pytest.mark.parametrize("context", [[], "", None, (), [""], [" ", "\n"]])
@pytest.mark.parametrize("question", ["", QUESTION])
def test_issue_14_nothing_to_compress_gives_the_rest(prompt_compressor, context, question) -> None:
    for result in (
        prompt_compressor.compress_prompt(context, INSTRUCTION, question, target_token=5),
        prompt_compressor.structured_compress_prompt(context, INSTRUCTION, question),
    ):
        assert list(result) == KEYS
        assert result["compressed_prompt"].split("\n\n")[0] == INSTRUCTION
        assert question in result["compressed_prompt"]
    if not context:
        nothing = prompt_compressor.structured_compress_prompt(context)
        assert (nothing["compressed_prompt"], nothing["compressed_tokens"], nothing["ratio"]) == ("", 0, "1.0x")
    both = prompt_compressor.compress_prompt_llmlingua2(context)
    assert both["compressed_prompt"].strip() == "" and both["ratio"] == "1.0x"


@pytest.mark.parametrize(
    ("question", "method", "expected"),
    [
        ("", None, "llmlingua"),
        (QUESTION, None, "evidence"),
        (QUESTION, "llmlingua", "llmlingua"),
        (QUESTION, "longllmlingua", "longllmlingua"),
    ],
)
def test_the_method(fake_model, monkeypatch, question, method, expected) -> None:
    results = watched(monkeypatch)
    PromptCompressor(method=method).compress_prompt(CONTEXTS, question=question)
    assert results[-1].method == expected


def test_parameters_become_settings(fake_model, monkeypatch) -> None:
    used = []
    compress = Compressor.compress
    monkeypatch.setattr(
        Compressor, "compress", lambda self, *a, **b: (used.append(b["settings"]), compress(self, *a, **b))[1]
    )
    compressor = PromptCompressor(method="longllmlingua")
    common = {"question": QUESTION, "target_token": 40}
    compressor.compress_prompt(CONTEXTS, **common)
    compressor.compress_prompt(
        CONTEXTS,
        **common,
        iterative_size=100,
        context_budget="*1.5",
        dynamic_context_compression_ratio=0.4,
        reorder_context="two_stage",
    )
    compressor.compress_prompt(CONTEXTS, **common, use_context_level_filter=False)
    plain, tuned, unfiltered = used
    assert (plain.granularity, plain.dynamic_ratio, plain.segment_tokens, plain.order) == (3.5, 0.0, 200, "original")
    assert (tuned.granularity, tuned.dynamic_ratio, tuned.segment_tokens) == (1.5, 0.4, 100)
    assert tuned.order == "best_at_both_ends"
    assert unfiltered.granularity == float("inf")


def test_contexts_are_put_in_order_when_asked(prompt_compressor) -> None:
    def order(**arguments) -> list[int]:
        result = prompt_compressor.compress_prompt([WIND, BAKER, MILL], question=QUESTION, rate=1, **arguments)
        return [result["compressed_prompt"].index(text) for text in (WIND, BAKER, MILL)]

    assert order() == sorted(order())
    assert order(reorder_context="sort") != order()
    assert order(reorder_context="two_stage") != order(reorder_context="sort")


def test_add_instruction_lets_the_instruction_choose_too(fake_model, monkeypatch) -> None:
    results = watched(monkeypatch)
    result = PromptCompressor().compress_prompt(CONTEXTS, INSTRUCTION, QUESTION, add_instruction=True)
    assert results[-1].question == f"{QUESTION}\n\n{INSTRUCTION}"
    assert result["compressed_prompt"].count(INSTRUCTION) == 1 == result["compressed_prompt"].count(QUESTION)


WORDS = st.lists(st.sampled_from([*MILL.split(), "\n", "\n\n", "日本語", "§5", "...", "<b>"]), max_size=60)
TEXTS = st.lists(WORDS.map(" ".join), min_size=1, max_size=4)
RATES = st.floats(0.01, 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.sampled_from(["", QUESTION]), st.integers(1, 80), st.sets(st.integers(0, 3)))
def test_the_context_never_exceeds_the_target(prompt_compressor, texts, question, target, forced) -> None:
    forced = [one for one in forced if one < len(texts)]
    result = prompt_compressor.compress_prompt(
        texts, question=question, target_token=target, force_context_ids=forced, concate_question=False
    )
    assert result["compressed_tokens"] == count(result["compressed_prompt"]) <= target


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.sampled_from(["", INSTRUCTION]), st.sampled_from(["", QUESTION]), RATES)
def test_the_prompt_never_exceeds_the_rate(prompt_compressor, texts, instruction, question, rate) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = prompt_compressor.compress_prompt(texts, instruction, question, rate)
    if not caught and any(text.strip() for text in texts):
        assert result["compressed_tokens"] <= max(1, rate * result["origin_tokens"] + 1e-6)


@pytest.mark.model
def test_with_the_embedded_model(hotpot) -> None:
    compressor = PromptCompressor()
    prompt = compressor.compress_prompt(CONTEXTS, question=QUESTION, rate=0.4)["compressed_prompt"]
    assert "It was sold in October 2009" in prompt
    contexts = [f"{one['title']}\n{one['text']}" for one in hotpot[0]["documents"]]
    for question in ("", hotpot[0]["question"]):
        result = compressor.compress_prompt(contexts, question=question, rate=0.25)
        assert 0.24 * result["origin_tokens"] <= result["compressed_tokens"] <= 0.25 * result["origin_tokens"]
