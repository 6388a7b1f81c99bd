"""What tells two models apart, whatever they are called: a sample of their weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_SAMPLE = 64  # numbers of each weight


def model_fingerprint(weights: Iterable[tuple[str, torch.Tensor]]) -> str:
    """The first numbers of each weight as bfloat16, hashed: the same in float32 and in bfloat16, on every device."""
    import torch

    digest = hashlib.sha256()
    for name, weight in weights:
        sample = weight.detach().flatten()[:_SAMPLE].to("cpu", torch.bfloat16).view(torch.int16)
        digest.update(f"{name} {tuple(weight.shape)} ".encode())
        digest.update(sample.numpy().tobytes())
    return digest.hexdigest()[:16]
