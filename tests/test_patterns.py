"""What may be protected: patterns that compile, and that do not fill the memory when they do."""

from __future__ import annotations

import re

import pytest
import regex

from tersely import CompressionSettings, InvalidInputError
from tersely.settings import settings_from
from tersely.text.patterns import compiled

GREEDY = ["a{9999999}", "(?:a{9999}){9999}", "a{000000000009999999}", "(?x)a{ 9999999 }", "a{" + "9" * 5_000 + "}"]
USUAL = [r"\d{4}-\d{2}-\d{2}", r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){4,7}", r"§ ?\d{1,4}", r"\{not repeated\}"]


@pytest.fixture
def never_compiled(monkeypatch) -> None:
    def refuse(*_, **__):
        raise AssertionError("it was compiled")

    monkeypatch.setattr(regex, "compile", refuse)


@pytest.mark.parametrize("pattern", GREEDY)
def test_a_pattern_that_would_fill_the_memory_is_never_compiled(never_compiled, pattern) -> None:
    with pytest.raises(InvalidInputError, match=r"^protect: .* 100,000 .*repetitions such as x\{100\} written out"):
        settings_from({"protect": [pattern]})


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset, iter])
def test_all_patterns_count_together_whatever_they_come_in(never_compiled, kind) -> None:
    patterns = kind([f"a{{99999}}{letter}" for letter in "bcdefghijklm"])
    with pytest.raises(InvalidInputError, match=r"^protect: the patterns have more than 100,000"):
        settings_from({"protect": patterns})


def test_compiled_patterns_count_as_their_text(never_compiled) -> None:
    with pytest.raises(InvalidInputError, match=r"^protect: the patterns have more than 100,000"):
        settings_from({"protect": [re.compile("(?:a{999}){999}")]})


def test_the_call_refuses_it(fake_compressor) -> None:
    with pytest.raises(InvalidInputError, match=r"^protect: the patterns have more than 100,000"):
        fake_compressor.compress(["a text"], rate=0.5, protect=GREEDY)


def test_the_message_does_not_repeat_what_is_too_long() -> None:
    with pytest.raises(InvalidInputError) as caught:
        settings_from({"protect": ["x" * 200_000]})
    assert len(str(caught.value)) < 1_000


def test_patterns_as_people_write_them() -> None:
    assert settings_from({"protect": USUAL * 20}).protect == tuple(USUAL * 20)


@pytest.mark.parametrize("wrong", ["a text", {"a": "b"}, 3, b"a"])
def test_what_is_no_list_of_patterns(wrong) -> None:
    with pytest.raises(InvalidInputError, match=r"^protect"):
        settings_from({"protect": wrong})


def test_large_patterns_are_not_kept_in_the_cache_of_the_regex_package() -> None:
    large, small = "[a-z]{50000}", "[a-y]{3}"
    assert compiled(large) is not compiled(large)
    assert compiled(small) is compiled(small)


def test_flags_of_compiled_patterns_stay() -> None:
    assert CompressionSettings(protect=[re.compile("never", re.IGNORECASE)]).protect == ("(?i)never",)
