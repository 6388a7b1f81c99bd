"""The methods by name."""

from __future__ import annotations

from tersely.methods.evidence.evidence import Evidence
from tersely.methods.method import Method
from tersely.methods.papers.llmlingua import LLMLingua
from tersely.methods.papers.longllmlingua import LongLLMLingua
from tersely.methods.salience import Salience
from tersely.settings import MethodName

METHODS: dict[MethodName, type[Method]] = {
    "evidence": Evidence,
    "salience": Salience,
    "longllmlingua": LongLLMLingua,
    "llmlingua": LLMLingua,
}


def choose_method(name: MethodName | None, question: str | None) -> MethodName:
    """The method asked for, else the one that makes the most of what there is."""
    return name or ("evidence" if question else "salience")
