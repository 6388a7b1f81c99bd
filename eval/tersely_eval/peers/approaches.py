"""All that can be measured, by name and called alike: Tersely's methods, baselines and peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tersely import Compressor, InvalidInputError, MethodName
from tersely.methods import METHODS
from tersely_eval.data import Question
from tersely_eval.peers.baselines import BASELINES, Baseline
from tersely_eval.peers.peers import PEERS, peer_approaches
from tersely_eval.peers.selection import Selection

# A question and a budget in tokens -> what is delivered.
Approach = Callable[[Question, int], Selection]


def method_names() -> list[str]:
    """The names of all of them."""
    return [*METHODS, *BASELINES, *PEERS]


def approaches(compressor: Compressor) -> dict[str, Approach]:
    """All of them, ready to be called.

    Args:
        compressor: what Tersely's methods run in; its tokenizer counts for all.
    """

    def method(name: MethodName) -> Approach:
        return lambda question, target: Selection.of_result(
            compressor.compress(question.documents, question.question, target_tokens=target, method=name)
        )

    def baseline(choose: Baseline) -> Approach:
        count = compressor.tokenizer.count
        return lambda question, target: choose(question.documents, question.question, target, count)

    return {
        **{name: method(name) for name in METHODS},
        **{name: baseline(choose) for name, choose in BASELINES.items()},
        **peer_approaches(),
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
