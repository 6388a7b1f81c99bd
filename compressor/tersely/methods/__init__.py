"""The methods by name: each ranks documents and says which of their pieces are worth keeping first."""

from __future__ import annotations

from tersely.errors import InvalidInputError
from tersely.methods.evidence import EVIDENCE
from tersely.methods.method import Method, Ranking, Task
from tersely.methods.papers import LLMLINGUA, LLMLINGUA2, LONGLLMLINGUA
from tersely.methods.pruner import PRUNER
from tersely.methods.salience import SALIENCE
from tersely.scoring.abilities import MODELS_WITH, abilities_of
from tersely.scoring.scorer import Scorer
from tersely.settings import MethodName

__all__ = ["METHODS", "Method", "Ranking", "Task", "check_scorer", "choose_method", "methods_of"]

METHODS: dict[MethodName, Method] = {
    "evidence": EVIDENCE,
    "salience": SALIENCE,
    "longllmlingua": LONGLLMLINGUA,
    "llmlingua": LLMLINGUA,
    "llmlingua2": LLMLINGUA2,
    "pruner": PRUNER,
}


# What is taken where no method is named: the first that the model serves.
_WITH_QUESTION: tuple[MethodName, ...] = ("evidence", "pruner", "longllmlingua", "llmlingua2")
_WITHOUT_QUESTION: tuple[MethodName, ...] = ("llmlingua2", "salience")


def choose_method(name: MethodName | None, is_asked: bool, scorer: Scorer) -> MethodName:
    """The method asked for, else the one that makes the most of a question, if there is one, and of the model."""
    if name:
        return name
    served = methods_of(scorer)
    return next(method for method in (_WITH_QUESTION if is_asked else _WITHOUT_QUESTION) if method in served)


def methods_of(scorer: Scorer) -> list[MethodName]:
    """The methods that a model can serve: those that need what it can do, and those that ask no model."""
    abilities = abilities_of(scorer)
    return [name for name, method in METHODS.items() if not method.needs_model or method.needs in abilities]


def check_scorer(name: MethodName, scorer: Scorer) -> None:
    """Refuse a model that cannot do what a method needs.

    Raises:
        InvalidInputError: the message says what is missing, and which model has it.
    """
    method = METHODS[name]
    if method.needs_model and method.needs not in abilities_of(scorer):
        raise InvalidInputError(
            f"method {name!r} needs {method.needs}, which model {scorer.name!r} does not give: name "
            f"{MODELS_WITH[method.needs]}; this one serves {', '.join(methods_of(scorer))}"
        )
