"""All that can be measured, by name and called alike: Tersely's methods, baselines and peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from tersely import CacheSettings, Compressor, InvalidInputError, MethodName
from tersely.methods import METHODS
from tersely.scoring import load_scorer
from tersely.scoring.abilities import LANGUAGE_MODEL
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
    """The names of all that need no model but the embedded one; `parse_methods` takes others, too."""
    own = [name for name, method in METHODS.items() if not method.needs_model or method.needs in LANGUAGE_MODEL]
    return [*own, *BASELINES, *ENCODER_BASELINES, *PEERS]


def approaches(compressor: Compressor, names: Iterable[str] = ()) -> dict[str, Approach]:
    """All of them, ready to be called.

    Args:
        compressor: what Tersely's methods run in; its tokenizer counts for all.
        names: of methods with models of their own, such as `pruner:ID`, among others. These models are loaded now.

    Raises:
        ModelError: a model cannot be found or loaded.
    """

    def method(name: MethodName, compressor: Compressor) -> Approach:
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

    with_model = {name: pair for name in names if (pair := _method_and_model(name))}
    # Without a cache seconds are those of a first question, as the others' are.
    no_cache = CacheSettings(memory_bytes=0, disk_bytes=0)
    models = {model: load_scorer(model, cache=no_cache) for _, model in with_model.values()}
    return {
        **{name: method(name, compressor) for name in METHODS},
        **{name: baseline(choose) for name, choose in BASELINES.items()},
        **{name: encoder_baseline(relevance) for name, relevance in ENCODER_BASELINES.items()},
        **peer_approaches(encoding=compressor.tokenizer.name),
        **{
            name: method(own, Compressor(models[model], tokenizer=compressor.tokenizer.count, cache=no_cache))
            for name, (own, model) in with_model.items()
        },
    }


def parse_methods(given: Iterable[str]) -> tuple[str, ...]:
    """Names of methods as a command line gives them, each at most once, in their order.

    Raises:
        InvalidInputError: there is no such method.
    """
    methods = tuple(dict.fromkeys(given))
    for name in methods:
        if name not in METHODS and name not in method_names() and not _method_and_model(name):
            known = ", ".join([*METHODS, *BASELINES, *ENCODER_BASELINES, *PEERS])
            raise InvalidInputError(
                f"methods: there is no {name!r}; there are {known}, and methods with a model of their own, such as "
                f"pruner:ID"
            )
    return methods


def _method_and_model(name: str) -> tuple[MethodName, str] | None:
    """What `pruner:ID` means; None for a name of another kind."""
    for method in METHODS:
        model = name.removeprefix(f"{method}:")
        if model and model != name and METHODS[method].needs_model:
            return method, model
    return None
