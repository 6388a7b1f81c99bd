"""Which kernel computes a group's attention: one table, from the most special to the one that computes anything.

Every kernel equals `reference.attention`. To add one, add a row; `tests/scoring/test_kernels.py` then compares it, and
`benchmarks/kernels.py` measures what it gains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import torch

from tersely.scoring.attention.group import Group, GroupAttention, Layer
from tersely.scoring.attention.masked import MaskedAttention
from tersely.scoring.attention.single import SingleAttention
from tersely.scoring.rows import has_amx

# So many tokens are few: after a text they are computed together with others of their kind.
FEW_TOKENS = 64
# Past so many keys torch's attention of few tokens is as fast as matmuls.
_MATMUL_KEYS = 512
_FLOAT = {torch.float32: 1e-5, torch.bfloat16: 0.05, torch.float16: 0.01}
_BFLOAT16 = {torch.bfloat16: 0.05}


class Case(NamedTuple):
    """What decides which kernel runs.

    Attributes:
        tokens: of each part.
        is_start: whether nothing stands before them.
        keys: of each part.
        slides: whether a window hides some of the keys.
        fast_matmul: whether matmuls are faster than torch's attention, for this dtype and processor.
    """

    tokens: int
    is_start: bool
    keys: int
    slides: bool
    fast_matmul: bool


class Kernel(NamedTuple):
    """One way to compute attention.

    Attributes:
        name: for tests and benchmarks.
        applies: when it runs, if no kernel before it in the table does.
        start: makes it ready for a group; the layer is any, for its shapes and window.
        equals: the dtypes that it computes, and how far a value of order 1 may be from the reference in each.
        gain: over what, and how much, as `benchmarks/kernels.py` measured it (see `benchmarks/RESULTS.md`).
    """

    name: str
    applies: Callable[[Case], bool]
    start: Callable[[Group, Layer], GroupAttention]
    equals: Mapping[torch.dtype, float]
    gain: str


KERNELS = (
    Kernel(
        "matmul, one text",
        lambda case: case.fast_matmul and case.tokens > FEW_TOKENS and not case.slides,
        lambda group, layer: SingleAttention(group, by_matmul=True),
        _BFLOAT16,
        "2 times torch's attention of a document, and of 200 tokens after 600, where AVX-512 BF16 is and no AMX",
    ),
    Kernel(
        "torch, one text",
        lambda case: case.is_start and not case.slides,
        lambda group, layer: SingleAttention(group, by_matmul=False),
        _FLOAT,
        "1.06 times the same with a mask at 150 tokens, 1.5 at 1,000, in float32: half of the keys are skipped",
    ),
    Kernel(
        "matmul, masked",
        lambda case: case.fast_matmul and not case.is_start and case.tokens <= FEW_TOKENS and case.keys <= _MATMUL_KEYS,
        lambda group, layer: MaskedAttention(group, layer, by_matmul=True),
        _BFLOAT16,
        "2.3 times torch's attention of a question after ten documents, where AVX-512 BF16 is and no AMX",
    ),
    Kernel(
        "torch, masked",
        lambda case: True,
        lambda group, layer: MaskedAttention(group, layer, by_matmul=False),
        _FLOAT,
        "one launch on an accelerator; on a processor 0.7 (22 tokens) to 1.4 (5 tokens) times a call for each text",
    ),
)


def choose(group: Group, layer: Layer, device: str) -> Kernel:
    """The first kernel of the table that applies."""
    case = Case(
        tokens=group.tokens,
        is_start=group.is_start,
        keys=group.width,
        slides=layer.window is not None and layer.window < group.width,
        fast_matmul=device == "cpu" and layer.query.dtype == torch.bfloat16 and matmul_outruns_attention(),
    )
    return next(kernel for kernel in KERNELS if kernel.applies(case))


@cache
def matmul_outruns_attention() -> bool:
    """Whether bfloat16 is fast in a matmul and slow in torch's attention, which computes it as float32 without AMX."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16")) and not has_amx()
