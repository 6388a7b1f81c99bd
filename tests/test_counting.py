"""Every way to count the budget."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tiktoken
from transformers import AutoTokenizer

from tersely import Compressor, TokenizerError
from tersely.budget import counting
from tersely.budget.counting import TokenCounter, token_counter

TEXT = "Tokens are counted as the LLM counts them: 1820, naïve, 日本語 <|endoftext|>."


def none_needed() -> TokenCounter:
    raise AssertionError("the fallback was asked for")


@pytest.mark.parametrize(
    ("tokenizer", "encoding"),
    [(None, "o200k_base"), ("cl100k_base", "cl100k_base"), ("gpt-4o", "o200k_base"), ("gpt-4", "cl100k_base")],
)
def test_names_of_encodings_and_models(tokenizer, encoding) -> None:
    counter = token_counter(tokenizer, none_needed)
    assert counter.name == encoding
    assert counter.count(TEXT) == len(tiktoken.get_encoding(encoding).encode_ordinary(TEXT))


def test_the_environment_is_left_as_it_was() -> None:
    program = (
        "import os, tiktoken\n"
        "from tersely.budget.counting import token_counter\n"
        "before = dict(os.environ)\n"
        "assert token_counter('o200k_base', None).count('plain') > 0\n"
        "assert dict(os.environ) == before\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TIKTOKEN_CACHE_DIR"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)  # here the encoding is cached


def test_hugging_face_tokenizers_by_folder_and_as_objects(tiny_llama) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama)
    expected = len(TEXT.encode())
    for given in (str(tiny_llama), tokenizer, tokenizer.backend_tokenizer):
        counter = token_counter(given, none_needed)
        assert counter.name
        assert counter.count("plain") == 5
    assert token_counter(tokenizer, none_needed).count("naïve") == 6 < expected


def test_an_objects_own_truncation_and_padding_do_not_count(tiny_llama) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama).backend_tokenizer
    tokenizer.enable_truncation(4)
    assert token_counter(tokenizer, none_needed).count("a long text") == len("a long text")
    assert tokenizer.truncation is not None, "the caller's own is untouched"


def test_callables_of_other_conventions() -> None:
    assert token_counter(str.split, none_needed).count("one two three") == 3
    assert token_counter(lambda text: np.int64(7), none_needed).count("") == 7


def test_a_run_that_is_too_long_for_tiktoken_is_counted_in_parts() -> None:
    count = token_counter("o200k_base", none_needed).count
    assert 0 < count("a" + " " * 1_200_000 + "b") < 1_200_000


def test_a_callable(fake_scorer) -> None:
    compressor = Compressor(fake_scorer, tokenizer=lambda text: len(text.split()))
    result = compressor.compress(["One two three four five. Six seven eight nine ten."], rate=0.5)
    assert result.compressed_tokens == len(result.context.split()) == 5


@pytest.mark.parametrize("returned", [None, "5", -1, 1.5, True])
def test_a_callable_that_does_not_count(fake_scorer, returned) -> None:
    with pytest.raises(TokenizerError, match="must return a number of tokens"):
        Compressor(fake_scorer, tokenizer=lambda text: returned).compress(["some words"], rate=0.5)


@pytest.mark.parametrize("tokenizer", ["no-such-thing", 5, "a/b/c", ""])
def test_what_is_no_tokenizer(tokenizer) -> None:
    with pytest.raises(TokenizerError):
        token_counter(tokenizer, none_needed)


def test_where_no_encoding_can_be_had_the_scorer_counts_with_a_warning(monkeypatch, fake_scorer, caplog) -> None:
    monkeypatch.setattr(counting, "tiktoken_encoding", lambda name: ConnectionError("no network"))
    with caplog.at_level(logging.WARNING):
        compressor = Compressor(fake_scorer)
    assert compressor.tokenizer.name == "fake"
    assert "budgets are approximate" in caplog.text and "ConnectionError" in caplog.text
    with pytest.raises(TokenizerError, match="TIKTOKEN_CACHE_DIR"):
        Compressor(fake_scorer, tokenizer="o200k_base")


def test_a_network_that_never_answers_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(counting, "FETCH_SECONDS", 0.2)
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: time.sleep(5))
    counting.tiktoken_encoding.cache_clear()
    with pytest.raises(TokenizerError, match="no answer in"):
        token_counter("r50k_base", none_needed)
    counting.tiktoken_encoding.cache_clear()
