"""The parameters of llmlingua -> Tersely's settings. Nothing is compressed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from operator import index
from typing import Any, NamedTuple, cast

import regex

from tersely.compat.label_options import LabelOptions, read_label_options
from tersely.compat.numbers import read_number
from tersely.documents import Span
from tersely.errors import InvalidInputError
from tersely.input import check_text
from tersely.settings import CompressionSettings, MethodName, Order, settings_from
from tersely.text.sentences import split_sentences

ORDERS: dict[str, Order] = {"original": "original", "sort": "best_first", "two_stage": "best_at_both_ends"}
RANK_METHODS = (
    "llmlingua",
    "longllmlingua",
    "bm25",
    "gzip",
    "sentbert",
    "openai",
    "bge",
    "bge_reranker",
    "bge_llmembedder",
    "jinza",
    "voyageai",
    "cohere",
)
CONDITIONS = tuple(f"{place}{suffix}" for place in ("none", "before", "after") for suffix in ("", "_condition"))
# What each method makes use of, beside what all do; of a method that is not listed, what keeps units whole.
_WHOLE_UNITS = {"use_sentence_level_filter", "use_token_level_filter"}
_COARSE = {"use_context_level_filter", "context_budget", "iterative_size"}
_OF_METHOD: dict[MethodName, set[str]] = {
    "evidence": {
        *_WHOLE_UNITS,
        "condition_in_question",
        "condition_compare",
    },
    "longllmlingua": {
        *_COARSE,
        "dynamic_context_compression_ratio",
        "condition_in_question",
        "condition_compare",
    },
    "llmlingua": _COARSE,
    "llmlingua2": {
        "use_context_level_filter",
        "token_to_word",
        "drop_consecutive",
        "chunk_end_tokens",
        "target_context",
        "context_level_rate",
        "context_level_target_token",
    },
}
_CONTEXT_BUDGET = regex.compile(r"\s*([-+*/])\s*(\d{1,12}(?:\.\d{1,12})?)\s*")


class Options(NamedTuple):
    """What one call asks for, in Tersely's terms.

    Attributes:
        question: what the selection looks for; None for none.
        method, order, protect: as in `CompressionSettings`.
        context_budget: the tokens of the coarse stage, as an operator and a number that are applied to the budget; None
            where that stage is to leave every context in.
        dynamic_ratio, segment_tokens: as in `CompressionSettings`.
        labels: what is asked of a token classifier.
        used: names of the parameters that have a meaning with this method (see `parameters.py`).
    """

    question: str | None
    method: MethodName
    order: Order
    protect: tuple[str, ...]
    context_budget: tuple[str, float] | None
    dynamic_ratio: float
    segment_tokens: int
    labels: LabelOptions
    used: frozenset[str]

    def settings(self, target: int) -> CompressionSettings:
        """Tersely's settings for a budget in tokens.

        Raises:
            InvalidInputError: a value cannot be used; the message names it.
        """
        return settings_from(
            {
                "target_tokens": target,
                "method": self.method,
                "order": self.order,
                "protect": self.protect,
                "granularity": self._granularity(target),
                "dynamic_ratio": self.dynamic_ratio,
                "segment_tokens": self.segment_tokens,
                **self.labels.settings,
            }
        )

    def _granularity(self, target: int) -> float:
        if self.context_budget is None:
            return inf
        operator, number = self.context_budget
        tokens = {"+": target + number, "-": target - number, "*": target * number, "/": target / (number or inf)}
        return max(1.0, tokens[operator] / target)


def read_options(arguments: Mapping[str, Any], method: MethodName | None) -> Options:
    """The options of a call.

    Args:
        arguments: the call's, by llmlingua's names; those that a function has not may be missing.
        method: the caller's, for every call; by default `evidence` where there is a question, else `llmlingua`.

    Raises:
        InvalidInputError: a value cannot be used; the message names its parameter.
    """
    for name in ("instruction", "question"):
        check_text(arguments.get(name, ""), name)
    instruction, question = arguments.get("instruction", ""), arguments.get("question", "").strip()
    rank_method = _choice(arguments, "rank_method", "llmlingua", RANK_METHODS)
    if rank_method == "longllmlingua" and not question:
        raise InvalidInputError("rank_method 'longllmlingua' needs a question; give one, or leave rank_method out")
    _choice(arguments, "condition_in_question", "none", CONDITIONS)
    # By name, not by default: who changes an import line without a question expects words to be deleted.
    chosen: MethodName = method or ("evidence" if question else "llmlingua")
    if question and instruction.strip() and arguments.get("add_instruction"):
        question = f"{question}\n\n{instruction}"
    return Options(
        question=question or None,
        method=chosen,
        order=ORDERS[_choice(arguments, "reorder_context", "original", tuple(ORDERS))],
        protect=_protected(arguments),
        context_budget=(
            read_context_budget(arguments.get("context_budget", "+100"))
            if arguments.get("use_context_level_filter", True)
            else None
        ),
        dynamic_ratio=read_number(arguments, "dynamic_context_compression_ratio", 0.0, 0, 1),
        segment_tokens=int(read_number(arguments, "iterative_size", 200, 1, inf)),
        labels=read_label_options(arguments, words_and_signs(arguments.get("force_tokens"))[0]),
        used=frozenset(_OF_METHOD.get(chosen, _WHOLE_UNITS) | ({"rank_method"} if rank_method == chosen else set())),
    )


def read_context_budget(text: Any) -> tuple[str, float]:
    """`"+100"` or `"*1.5"` as an operator and a number. It is parsed, never evaluated.

    Raises:
        InvalidInputError: it is something else.
    """
    match = _CONTEXT_BUDGET.fullmatch(text) if isinstance(text, str) else None
    if not match or (match[1] == "/" and not float(match[2])):
        raise InvalidInputError(
            f"context_budget must be an operator (+, -, * or /) and a number, such as '+100' or '*1.5', got {text!r}"
        )
    return match[1], float(match[2])


def read_budget(rate: Any, target_token: Any) -> int | None:
    """The budget in tokens if one is given, or None where the rate holds.

    Raises:
        InvalidInputError: the rate is not in (0, 1], or the target is not a positive number (-1: none is given).
    """
    if not read_number({"rate": rate}, "rate", 0.5, 0, 1):
        raise InvalidInputError(f"rate must be above 0 and at most 1, got {rate!r}")
    if target_token is None or target_token == -1:
        return None
    return int(read_number({"target_token": target_token}, "target_token", -1, 1, inf))


def read_contexts(context: Any) -> list[str]:
    """The contexts as a list of strings; one empty one where there is none.

    Raises:
        InvalidInputError: it is neither a string nor a list of strings, or an entry cannot be read as text.
    """
    if isinstance(context, str):
        context = [context]
    if context is None or (isinstance(context, Sequence) and not context):
        return [""]
    if isinstance(context, (bytes, Mapping)) or not isinstance(context, Iterable):
        raise InvalidInputError(f"context must be a string or a list of strings, got {type(context).__name__}")
    contexts = list(context)
    for position, text in enumerate(contexts):
        check_text(text, f"context[{position}]")
    return contexts or [""]


def read_forced(ids: Any, number: int) -> set[int]:
    """`force_context_ids` as a set.

    Raises:
        InvalidInputError: one is no position in the list of contexts.
    """
    ids = () if ids is None else ids
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise InvalidInputError(f"force_context_ids must be a list of positions, got {ids!r}")
    positions = set()
    for position in ids:
        if isinstance(position, bool) or not hasattr(position, "__index__") or not 0 <= index(position) < number:
            raise InvalidInputError(
                f"force_context_ids: there is no context {position!r}; they go from 0 to {number - 1}"
            )
        positions.add(index(position))
    return positions


def read_count(value: Any, name: str = "force_context_number") -> int:
    """A number of things, 0 for None.

    Raises:
        InvalidInputError: it is no number, or below 0.
    """
    return 0 if value is None else int(read_number({name: value}, name, 0, 0, inf))


def outer_sentences(contexts: Sequence[str], first: Any, last: Any) -> list[list[Span]]:
    """Where the first and the last few sentences of all contexts together stand: spans for each context.

    Raises:
        InvalidInputError: a number of sentences is none.
    """
    number_first, number_last = read_count(first, "keep_first_sentence"), read_count(last, "keep_last_sentence")
    spans: list[list[Span]] = [[] for _ in contexts]
    if number_first or number_last:
        sentences = [
            (spans_of_context, Span(start, start + len(text[start:end].rstrip())))
            for spans_of_context, text in zip(spans, contexts, strict=True)
            if text.strip()
            for start, end in split_sentences(text)
        ]
        for position, (spans_of_context, span) in enumerate(sentences):
            if position < number_first or position >= len(sentences) - number_last:
                spans_of_context.append(span)
    return spans


def words_and_signs(force_tokens: Any) -> tuple[list[str], list[str]]:
    """`force_tokens` with a letter or a digit, and those without, which stay with the words that they stand at.

    Raises:
        InvalidInputError: it is no list of strings.
    """
    tokens = [] if force_tokens is None else force_tokens
    if isinstance(tokens, str) or not isinstance(tokens, Iterable):
        raise InvalidInputError(f"force_tokens must be a list of strings, got {force_tokens!r}")
    words: list[str] = []
    signs: list[str] = []
    for token in tokens:
        check_text(token, "force_tokens")
        (words if any(map(str.isalnum, token)) else signs).append(token)
    return words, signs


def _protected(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    # One of which repeats are dropped is no text that must stay.
    words = [] if arguments.get("drop_consecutive") else words_and_signs(arguments.get("force_tokens"))[0]
    patterns = [rf"(?<!\w){regex.escape(word.strip())}(?!\w)" for word in words]
    return (*patterns, r"\d+") if arguments.get("force_reserve_digit") else tuple(patterns)


def _choice(arguments: Mapping[str, Any], name: str, default: str, choices: Sequence[str]) -> str:
    value = arguments.get(name, default)
    if value not in choices:
        raise InvalidInputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return cast(str, value)
