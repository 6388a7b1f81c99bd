"""The methods by name: each ranks documents and says which of their pieces are worth keeping first."""

from __future__ import annotations

from tersely.methods.evidence import EVIDENCE
from tersely.methods.method import Method, Ranking, Task
from tersely.methods.papers import LLMLINGUA, LONGLLMLINGUA
from tersely.methods.salience import SALIENCE
from tersely.settings import MethodName

__all__ = ["METHODS", "Method", "Ranking", "Task", "choose_method"]

METHODS: dict[MethodName, Method] = {
    "evidence": EVIDENCE,
    "salience": SALIENCE,
    "longllmlingua": LONGLLMLINGUA,
    "llmlingua": LLMLINGUA,
}


def choose_method(name: MethodName | None, question: str | None) -> MethodName:
    """The method asked for, else the one that makes the most of what is given."""
    return name or ("evidence" if question else "salience")
