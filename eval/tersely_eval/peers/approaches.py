"""All that can be measured, by name and called alike: Tersely's methods, baselines and peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from tersely import Compressor, InvalidInputError, MethodName
from tersely.methods import METHODS
from tersely_eval.data import Question
from tersely_eval.peers.baselines import BASELINES, Baseline, Relevance, best_sentences, bm25, sum_of_standardised
from tersely_eval.peers.minilm import SentenceEncoder, load_encoder
from tersely_eval.peers.peers import PEERS, minilm_folder, peer_approaches
from tersely_eval.peers.selection import Selection

# Sentences by their meaning, as an encoder sees it: name -> relevance.
ENCODER_BASELINES: dict[str, Callable[[SentenceEncoder], Relevance]] = {
    "minilm": lambda encoder: encoder.similarities,
    "bm25+minilm": lambda encoder: sum_of_standardised(bm25, encoder.similarities),
}

# A question and a budget in tokens -> what is delivered.
Approach = Callable[[Question, int], Selection]


def method_names() -> list[str]:
    """The names of all of them."""
    return [*METHODS, *BASELINES, *ENCODER_BASELINES, *PEERS]


def approaches(compressor: Compressor) -> dict[str, Approach]:
    """All of them, ready to be called.

    Args:
        compressor: what Tersely's methods run in; its tokenizer counts for all.
    """

    def method(name: MethodName) -> Approach:
        return lambda question, target: Selection.of_result(
            compressor.compress(question.documents, question.question, target_tokens=target, method=name)
        )

    count = compressor.tokenizer.count

    def baseline(choose: Baseline) -> Approach:
        return lambda question, target: choose(question.documents, question.question, target, count)

    def encoder_baseline(relevance: Callable[[SentenceEncoder], Relevance]) -> Approach:
        def select(question: Question, target: int) -> Selection:
            encoder = load_encoder(minilm_folder())
            start = time.perf_counter()
            selection = best_sentences(relevance(encoder), question.documents, question.question, target, count)
            return selection._replace(seconds=time.perf_counter() - start)

        return select

    return {
        **{name: method(name) for name in METHODS},
        **{name: baseline(choose) for name, choose in BASELINES.items()},
        **{name: encoder_baseline(relevance) for name, relevance in ENCODER_BASELINES.items()},
        **peer_approaches(encoding=compressor.tokenizer.name),
    }


def parse_methods(given: Iterable[str]) -> tuple[str, ...]:
    """Names of methods as a command line gives them, each at most once, in their order.

    Raises:
        InvalidInputError: there is no such method.
    """
    methods = tuple(dict.fromkeys(given))
    for name in methods:
        if name not in method_names():
            raise InvalidInputError(f"methods: there is no {name!r}; there are {', '.join(method_names())}")
    return methods
