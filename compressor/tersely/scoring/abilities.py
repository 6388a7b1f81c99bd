"""What kinds of model there are, by what each can do for a method."""

from __future__ import annotations

from typing import Literal

from tersely.scoring.scorer import Scorer

Ability = Literal["log-probabilities", "attention", "token labels", "pruning"]

# A causal language model that is loaded here. A scorer of your own that says nothing else is taken for one.
LANGUAGE_MODEL: frozenset[Ability] = frozenset({"log-probabilities", "attention"})

# Which model has an ability: what to name instead of one that has not.
MODELS_WITH: dict[Ability, str] = {
    "log-probabilities": "a causal language model, loaded here or behind a server",
    "attention": "a causal language model that is loaded here, for no server returns attention",
    "token labels": (
        "a token classifier of LLMLingua-2, such as microsoft/llmlingua-2-bert-base-multilingual-cased-meetingbank"
    ),
    "pruning": "a pruner with a head for tokens, such as hotchpotch/open-provence-reranker-v1",
}


def abilities_of(scorer: Scorer) -> frozenset[Ability]:
    """What a scorer can do."""
    abilities: frozenset[Ability] = getattr(scorer, "abilities", LANGUAGE_MODEL)
    return abilities
