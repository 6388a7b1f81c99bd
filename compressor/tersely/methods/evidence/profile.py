"""Profiles: which attention heads of a model find evidence, and what each signal weighs. Data, not code.

A profile is a small JSON file. Those that ship lie in `profiles/` beside this file; `tersely calibrate` writes a user's
own into the folder that holds the models. A model finds its profile by its fingerprint.
"""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from tersely.errors import ModelError, complaint
from tersely.methods.evidence.signals import FIRST_HOP, SECOND_HOP
from tersely.scoring.depth import own_profile_path
from tersely.scoring.scorer import Head

logger = logging.getLogger("tersely")

_SHIPPED = Path(__file__).parent / "profiles"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HeadWeight(_Strict):
    """What one head's attention weighs; layer and head count from 0."""

    layer: int
    head: int
    weight: float


class FirstHopWeights(_Strict):
    """What each signal of `signals.FIRST_HOP` weighs.

    Profiles made before the last two were measured lack them; they have the weights that are best for the embedded
    model.
    """

    unit_words: float
    passage_words: float
    question_probability: float
    named_title: float
    word_parts: float = 0.2
    named_label: float = 2.0


class SecondHopWeights(_Strict):
    """What each signal of `signals.SECOND_HOP` weighs."""

    first_hop: float
    named_title: float
    named_lead: float
    new_words: float
    same_passage: float


class Provenance(_Strict):
    """Where a profile comes from.

    Attributes:
        data: name and sha256 of each file of questions.
        questions: how many of them there were.
        held_out: area under the ROC curve for evidence over all units, mean over the questions, of weights fitted
            without them (five parts): data name -> first and second hop.
        made: the day.
    """

    data: dict[str, str]
    questions: int
    held_out: dict[str, tuple[float, float]]
    made: str


class Profile(_Strict):
    """How to weigh the signals of one model.

    Attributes:
        model: the name under which it was calibrated.
        fingerprint: of its weights; None for the profile of all models that have none of their own.
        heads: the attention heads to read; without any, contrastive perplexity is read in their place.
        contrast: what that weighs.
        first_hop, second_hop: what the other signals weigh, in the logarithm of the odds that a unit is evidence.
    """

    model: str
    fingerprint: str | None
    heads: tuple[HeadWeight, ...] = ()
    contrast: float = 0.0
    first_hop: FirstHopWeights
    second_hop: SecondHopWeights
    provenance: Provenance

    @model_validator(mode="before")
    @classmethod
    def _without_depth(cls, values: Any) -> Any:
        """A user's own file also holds what the scorer reads there (see `scoring/depth.py`)."""
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if name != "document_layers"}

    @property
    def head_positions(self) -> list[Head]:
        """The heads, as a scorer takes them."""
        return [Head(head.layer, head.head) for head in self.heads]

    @property
    def model_weights(self) -> np.ndarray:
        """The weights of what the model says: of each head, or of contrast alone."""
        return np.array([head.weight for head in self.heads] or [self.contrast])

    @property
    def first_hop_weights(self) -> np.ndarray:
        """The weights of the first hop in the order of `FIRST_HOP`."""
        return np.array([getattr(self.first_hop, name) for name in FIRST_HOP])

    @property
    def second_hop_weights(self) -> np.ndarray:
        """The weights of the second hop in the order of `SECOND_HOP`."""
        return np.array([getattr(self.second_hop, name) for name in SECOND_HOP])


def profile_for(fingerprint: str, model: str) -> Profile:
    """The profile of a model: the user's own, else the one that ships, else that of all models, said once in the log.

    Args:
        fingerprint: of its weights.
        model: its name, for the log.

    Raises:
        ModelError: the user's own profile cannot be read.
    """
    profile = _own_or_shipped(fingerprint)
    if profile is _shipped_profiles()[None]:
        _say_once(model)
    return profile


def _own_or_shipped(fingerprint: str) -> Profile:
    own = own_profile_path(fingerprint)
    if own.exists():
        return read_profile(own)
    shipped = _shipped_profiles()
    return shipped.get(fingerprint, shipped[None])


@cache
def _shipped_profiles() -> dict[str | None, Profile]:
    profiles = map(read_profile, sorted(_SHIPPED.glob("*.json")))
    return {profile.fingerprint: profile for profile in profiles}


@cache
def _say_once(model: str) -> None:
    logger.warning(
        "model %r has no profile: method 'evidence' does without its attention heads. "
        "`tersely calibrate --model ...` makes one.",
        model,
    )


def read_profile(path: Path) -> Profile:
    """A profile from its file.

    Raises:
        ModelError: it is not there, or not a profile; the message says what is wrong.
    """
    try:
        return Profile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"profile {path}: {error.strerror}") from None
    except ValidationError as error:
        reason = complaint(error, most=1)
        raise ModelError(f"profile {path}: {reason}; remove the file, or calibrate again") from None
