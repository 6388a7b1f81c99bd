"""llmlingua's definitions: what a rate covers, and the keys of a result. All tokens are counted, none are estimated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tersely.budget.rendering import DOCUMENT_SEPARATOR, join_documents, render_prompt
from tersely.budget.shares import target_from_rate
from tersely.outcomes import CompressedDocument
from tersely.text.words import split_words

Count = Callable[[str], int]

_DOLLARS_A_TOKEN = 0.06 / 1000  # what llmlingua takes for the price of GPT-4


def target_of_whole_prompt(
    contexts: Sequence[str], instruction: str, question: str, concate_question: bool, rate: float, count: Count
) -> tuple[int, list[str]]:
    """The tokens that a rate of the whole prompt leaves to the context, and what the caller should be told of it.

    Where instruction and question alone take as much, the rate is that of the context.
    """
    context = join_documents(text for text in contexts if text.strip())
    target = target_from_rate(rate, count(context))
    if rate == 1:
        return target, []
    before = count(f"{instruction}{DOCUMENT_SEPARATOR}") if instruction else 0
    after = count(f"{DOCUMENT_SEPARATOR}{question}") if question and concate_question else 0
    allowed = int(rate * _whole_prompt_tokens(contexts, instruction, question, count) + 1e-9)
    if allowed > before + after:
        return allowed - before - after, []
    if not context or not before + after:
        return target, []
    return target, [
        f"rate={rate} of the whole prompt is {allowed} tokens, and instruction and question take {before + after}: "
        f"the rate is taken of the context alone"
    ]


def prompt_result(
    context: str, contexts: Sequence[str], instruction: str, question: str, concate_question: bool, count: Count
) -> dict[str, Any]:
    """The result for a prompt.

    Args:
        context: the compressed document.
        contexts: the original ones.
        instruction, question: as given.
        concate_question: whether the question stands in the compressed prompt.
        count: text -> tokens.
    """
    prompt = render_prompt(instruction, context, question if concate_question else None)
    return result_dict(prompt, _whole_prompt_tokens(contexts, instruction, question, count), count(prompt))


def result_in_list(documents: Sequence[CompressedDocument], only_kept: bool, count: Count) -> dict[str, Any]:
    """The result of LLMLingua-2's shape.

    Args:
        documents: what became of each context, in the caller's order.
        only_kept: whether those of which nothing is kept are left out of the list.
        count: text -> tokens.
    """
    texts = [document.text for document in documents if document.kept or not only_kept]
    return result_dict(
        DOCUMENT_SEPARATOR.join(texts),
        sum(count(document.document.text) for document in documents),
        sum(count(text) for text in texts),
        compressed_prompt_list=texts,
    )


def result_dict(prompt: Any, origin_tokens: int, compressed_tokens: int, **others: Any) -> dict[str, Any]:
    """A result.

    Args:
        prompt: the compressed prompt.
        origin_tokens, compressed_tokens: tokens before and after.
        others: further keys.
    """
    ratio = origin_tokens / compressed_tokens if compressed_tokens else 1.0
    saved = (origin_tokens - compressed_tokens) * _DOLLARS_A_TOKEN
    return {
        "compressed_prompt": prompt,
        **others,
        "origin_tokens": origin_tokens,
        "compressed_tokens": compressed_tokens,
        "ratio": f"{ratio:.1f}x",
        "rate": f"{100 / (ratio or 1):.1f}%",
        "saving": f", Saving ${saved:.1f} in GPT-4.",
    }


def word_labels(documents: Sequence[CompressedDocument], word_separator: str, label_separator: str) -> str:
    """Each word of the original contexts with 1 if it was kept and 0 if not."""
    labelled = []
    for document in documents:
        for word in split_words(document.document.text):
            kept = any(start <= word.start and word.end <= end for start, end in document.kept)
            labelled.append(f"{document.document.text[word.start : word.end]}{label_separator}{int(kept)}")
    return word_separator.join(labelled)


def _whole_prompt_tokens(contexts: Sequence[str], instruction: str, question: str, count: Count) -> int:
    return count(DOCUMENT_SEPARATOR.join([instruction, *contexts, question]).strip())
