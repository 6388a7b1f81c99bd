"""Contexts compressed as LLMLingua-2 does, with a result that lists them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from tersely.compat.accounting import result_in_list, word_labels
from tersely.compat.call import Call


def compress_in_list(
    call: Call,
    contexts: Sequence[str],
    rate: float,
    target: int | None,
    forced: Collection[int],
    shared: bool,
    labels: tuple[str, str] | None,
) -> dict[str, Any]:
    """Contexts compressed as LLMLingua-2 does: each to the rate, or to a budget that they share."""
    tokens = sum(map(call.count, contexts))
    if target is not None:
        rate = min(1.0, target / max(tokens, 1))
    shared = shared and len(contexts) > 1
    if shared:
        if call.options.method == "llmlingua2":
            share = call.options.labels.share_of_contexts(len(contexts), tokens, rate, by_target=target is not None)
            call = call._replace(options=call.options._replace(context_budget=("*", share / rate)))
        documents = call.compress_texts(contexts, rate, forced)
    else:
        documents = [call.compress_texts([text], rate)[0] for text in contexts]
    result = result_in_list(documents, only_kept=shared, count=call.count)
    return {**result, "fn_labeled_original_prompt": word_labels(documents, *labels)} if labels else result
