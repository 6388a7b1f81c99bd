"""By how many of its layers a model computes the prefix of a shallow request: data, found by the model's fingerprint.

A profile that the user calibrated says it for its model, also by saying nothing: then all layers. For models without
one `depths.json` beside this file says it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from tersely.errors import ModelError, complaint
from tersely.scoring.models import models_folder

_SHIPPED = Path(__file__).with_name("depths.json")


class _Profile(BaseModel):
    """What a profile says of depth; the rest of it is no affair of the scorer."""

    document_layers: Annotated[int, Field(ge=1)] | None = None


def own_profile_path(fingerprint: str) -> Path:
    """Where the user's own profile of a model lies, if there is one: in the folder beside the models."""
    return models_folder().parent / "profiles" / f"{fingerprint}.json"


def prefix_layers(fingerprint: str) -> int | None:
    """By how many layers a model computes the prefixes of shallow requests; None for all.

    Raises:
        ModelError: the user's own profile cannot be read.
    """
    path = own_profile_path(fingerprint)
    if not path.exists():
        return _shipped().get(fingerprint)
    try:
        return _Profile.model_validate_json(path.read_bytes()).document_layers
    except OSError as error:
        raise ModelError(f"profile {path}: {error.strerror}") from None
    except ValidationError as error:
        raise ModelError(f"profile {path}: {complaint(error, most=1)}; remove the file, or calibrate again") from None


@cache
def _shipped() -> dict[str, int]:
    """A model's fingerprint -> its layers."""
    depths: dict[str, int] = json.loads(_SHIPPED.read_bytes())
    return depths
