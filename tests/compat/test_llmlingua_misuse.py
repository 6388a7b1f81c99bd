"""What has no meaning here, what cannot be used, and what the constructor loads."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import inspect
import warnings

import pytest
from llmlingua_prompts import CONTEXTS, MILL, no_unexpected_warning, prompt_compressor

from tersely import DEFAULT_MODEL, InvalidInputError
from tersely.compat import llmlingua
from tersely.compat.llmlingua import PromptCompressor

NO_MEANING = {
    "keep_split": True,
    "keep_sentence_number": 2,
    "high_priority_bonus": 50,
    "token_budget_ratio": 1.2,
    "target_context": 2,
    "context_level_rate": 0.5,
    "context_level_target_token": 100,
    "token_to_word": "first",
    "drop_consecutive": True,
    "chunk_end_tokens": ["."],
    "return_word_label": True,
    "use_sentence_level_filter": True,
    "use_token_level_filter": False,
    "condition_compare": True,
    "rank_method": "bm25",
}


def test_all_that_has_no_meaning_stands_in_one_warning(prompt_compressor) -> None:
    with pytest.warns(UserWarning) as caught:
        result = prompt_compressor.compress_prompt(CONTEXTS, target_token=20, **NO_MEANING)
    (warning,) = caught
    assert set(NO_MEANING) == set(str(warning.message).split("no effect: ")[1].split(", "))
    assert result == prompt_compressor.compress_prompt(CONTEXTS, target_token=20)


def test_a_default_given_by_name_is_no_reason_to_warn(prompt_compressor) -> None:
    for name in ("compress_prompt", "structured_compress_prompt", "compress_prompt_llmlingua2"):
        function = getattr(prompt_compressor, name)
        defaults = {
            parameter.name: parameter.default
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is not parameter.empty
        }
        assert function(CONTEXTS, **defaults) == function(CONTEXTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rate": 1.5}, "rate must be a number, from 0 to 1, got 1.5"),
        ({"rate": 0}, "rate must be above 0"),
        ({"rate": "half"}, "rate must be a number"),
        ({"target_token": 0}, "target_token must be a number, at least 1, got 0"),
        ({"target_token": -2}, "target_token must be"),
        ({"target_token": float("nan")}, "target_token must be"),
        ({"context_budget": "__import__('os').system('true')"}, "context_budget must be an operator"),
        ({"context_budget": "+100 "}, None),
        ({"context_budget": "**2"}, "context_budget"),
        ({"context_budget": "/0"}, "context_budget"),
        ({"context_budget": 100}, "context_budget"),
        ({"rank_method": "best"}, "rank_method must be one of llmlingua, longllmlingua, bm25"),
        ({"rank_method": "longllmlingua"}, "needs a question"),
        ({"reorder_context": "random"}, "reorder_context must be one of original, sort, two_stage"),
        ({"condition_in_question": "during"}, "condition_in_question must be one of"),
        ({"dynamic_context_compression_ratio": 3}, "dynamic_context_compression_ratio must be"),
        ({"iterative_size": 0}, "iterative_size must be"),
        ({"force_context_ids": [3]}, "there is no context 3; they go from 0 to 2"),
        ({"force_context_ids": "0"}, "force_context_ids must be a list"),
        ({"force_context_number": -1}, "force_context_number must be"),
        ({"keep_first_sentence": "one"}, "keep_first_sentence must be a number"),
        ({"force_tokens": "mill"}, "force_tokens must be a list of strings"),
        ({"force_tokens": [1]}, "force_tokens must be a string"),
        ({"question": None}, "question must be a string"),
        ({"instruction": 5}, "instruction must be a string"),
        ({"context": 5}, "context must be a string or a list"),
        ({"context": {"text": MILL}}, "context must be a string or a list"),
        ({"context": [MILL, None]}, r"context\[1\] must be a string"),
        ({"context": ["a\0b"]}, r"context\[0\] has a NUL byte at character 1"),
        ({"context_segs": [["a"]]}, "context_segs"),
    ],
)
def test_misuse_is_named(prompt_compressor, arguments, message) -> None:
    arguments = {"context": CONTEXTS, **arguments}
    if message is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prompt_compressor.compress_prompt(**arguments)
        return
    with pytest.raises(InvalidInputError, match=message):
        prompt_compressor.compress_prompt(**arguments)


def test_ratio_is_no_parameter_as_in_the_reference(prompt_compressor) -> None:
    with pytest.raises(TypeError, match="ratio"):
        prompt_compressor.compress_prompt(CONTEXTS, ratio=0.5)


LOADED = pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, (DEFAULT_MODEL, None, None)),
        ({"device_map": "cuda"}, (DEFAULT_MODEL, None, None)),
        ({"device_map": "auto"}, (DEFAULT_MODEL, None, None)),
        ({"device_map": "balanced_low_0"}, (DEFAULT_MODEL, None, None)),
        ({"device_map": "cpu"}, (DEFAULT_MODEL, "cpu", None)),
        ({"device_map": "cuda:1"}, (DEFAULT_MODEL, "cuda:1", None)),
        ({"model_name": "microsoft/phi-2"}, ("microsoft/phi-2", None, None)),
        ({"model_name": "NousResearch/Llama-2-7b-hf"}, ("NousResearch/Llama-2-7b-hf", None, None)),
        ({"model_config": {"torch_dtype": "float16"}}, (DEFAULT_MODEL, None, "float16")),
        ({"model_config": {"dtype": "auto", "trust_remote_code": False}}, (DEFAULT_MODEL, None, None)),
    ],
)


@LOADED
def test_what_is_loaded(fake_scorer, loader, arguments, expected) -> None:
    loaded = []

    def load(model, *, device, dtype):
        loaded.append((model, device, dtype))
        return fake_scorer

    loader(load)
    PromptCompressor(**arguments)
    assert loaded == [expected]


def test_a_torch_type_is_a_dtype_too(fake_scorer) -> None:
    import torch

    assert llmlingua.read_dtype({"torch_dtype": torch.bfloat16}) == ("bfloat16", {})


def test_what_the_constructor_cannot_use_stands_in_one_warning(fake_model) -> None:
    config = {"revision": "main", "trust_remote_code": True}
    with pytest.warns(UserWarning) as caught:
        PromptCompressor("TheBloke/Llama-2-7b-Chat-GPTQ", model_config=config, open_api_config={"api_key": "x" * 99})
    (warning,) = caught
    for name in ("model_config['revision']", "model_config['trust_remote_code']", "open_api_config"):
        assert name in str(warning.message)
    assert "xxx" not in str(warning.message)  # no secret in a log
    assert config == {"revision": "main", "trust_remote_code": True}
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device_map": "tpu"}, "device_map must be"),
        ({"device_map": {"": 0}}, "device_map must be"),
        ({"model_name": ""}, "model_name must be"),
        ({"model_config": "main"}, "model_config must be a dictionary"),
        ({"model_config": {"torch_dtype": "int4"}}, "torch_dtype must be auto or one of float16"),
        ({"method": "as_asked"}, "method: input should be 'evidence', 'salience', .* or 'pruner', got 'as_asked'"),
    ],
)
def test_misuse_of_the_constructor_is_named(fake_model, arguments, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        PromptCompressor(**arguments)


def test_two_of_them_share_a_model(fake_model) -> None:
    assert PromptCompressor().compressor is PromptCompressor(method="llmlingua").compressor
