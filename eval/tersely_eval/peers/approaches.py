"""All that can be measured, by name and called alike: Tersely's methods, baselines and peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tersely import CacheSettings, Compressor, InvalidInputError, MethodName
from tersely.methods import METHODS
from tersely.scoring import load_scorer
from tersely.scoring.abilities import LANGUAGE_MODEL
from tersely_eval.data import Question
from tersely_eval.peers.baselines import BASELINES, Baseline
from tersely_eval.peers.peers import PEERS, peer_approaches
from tersely_eval.peers.selection import Selection

# A question and a budget in tokens -> what is delivered.
Approach = Callable[[Question, int], Selection]


def method_names() -> list[str]:
    """The names of all that need no model but the embedded one; `parse_methods` takes others, too."""
    own = [name for name, method in METHODS.items() if not method.needs_model or method.needs in LANGUAGE_MODEL]
    return [*own, *BASELINES, *PEERS]


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

    def baseline(choose: Baseline) -> Approach:
        count = compressor.tokenizer.count
        return lambda question, target: choose(question.documents, question.question, target, count)

    with_model = {name: pair for name in names if (pair := _method_and_model(name))}
    # Without a cache seconds are those of a first question, as the others' are.
    no_cache = CacheSettings(memory_bytes=0, disk_bytes=0)
    models = {model: load_scorer(model, cache=no_cache) for _, model in with_model.values()}
    return {
        **{name: method(name, compressor) for name in METHODS},
        **{name: baseline(choose) for name, choose in BASELINES.items()},
        **peer_approaches(),
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
            raise InvalidInputError(
                f"methods: there is no {name!r}; there are {', '.join([*METHODS, *BASELINES, *PEERS])}, and methods "
                f"with a model of their own, such as pruner:ID"
            )
    return methods


def _method_and_model(name: str) -> tuple[MethodName, str] | None:
    """What `pruner:ID` means; None for a name of another kind."""
    for method in METHODS:
        model = name.removeprefix(f"{method}:")
        if model and model != name and METHODS[method].needs_model:
            return method, model
    return None
