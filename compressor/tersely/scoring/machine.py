"""What this machine has for scoring, and how fast it is: for people who wonder why it is slow. Changes nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

from tersely.scoring.scorer import Scorer, ScoringRequest

_DOCUMENT = 128  # tokens of a document in the measurement
_QUESTION = 16  # tokens of the question after it
_DOCUMENTS = 8  # in one call


class Machine(NamedTuple):
    """What torch can use here.

    Attributes:
        instructions: the widest vector instructions that torch uses, such as `"AVX2"` or `"AVX512"`.
        number_types: dtypes that the processor multiplies natively, the fastest first, as `dtype` takes them.
        cores: that this process may run on.
        quota: processors whose time a container may use; None where nothing limits it.
        threads: of one matrix product.
        accelerator: the name of a CUDA device or `"mps"`; None where torch finds none.
        torch: its version, which says whether it is built with CUDA.
    """

    instructions: str
    number_types: tuple[str, ...]
    cores: int
    quota: float | None
    threads: int
    accelerator: str | None
    torch: str


def machine() -> Machine:
    """This machine, as torch sees it."""
    import torch

    from tersely.scoring.devices import best_device, best_floating_dtype
    from tersely.scoring.llama import eight_bit_levels

    device = best_device()
    eight_bits = () if eight_bit_levels() is None else ("int8",)
    return Machine(
        torch.backends.cpu.get_cpu_capability(),
        tuple(dict.fromkeys((*eight_bits, best_floating_dtype("cpu"), "float32"))),
        usable_cores(),
        processor_quota(),
        torch.get_num_threads(),
        None if device == "cpu" else torch.cuda.get_device_name() if device == "cuda" else device,
        torch.__version__,
    )


def usable_cores() -> int:
    """Cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def processor_quota(folder: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Processors whose time this container may use, which neither torch nor Python looks at.

    Args:
        folder: of the control group, version 2.

    Returns:
        Such as 1.5; None where nothing limits it or nothing tells.
    """
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def tokens_per_second(scorer: Scorer, seconds: float = 2.0) -> float:
    """How many tokens a scorer reads in a second: documents of 128 tokens with a question after each, all of them new.

    Args:
        scorer: a loaded model.
        seconds: of the measurement, at least; a call to warm up comes before it.

    Example:
        >>> tokens_per_second(load_scorer())  # doctest: +SKIP
        3900.0
    """
    token = scorer.encode(" the").tokens[0]
    request = ScoringRequest([token] * _QUESTION, [token] * _DOCUMENT, shallow=True)
    # Requests with the same prefix would share it.
    requests = [request._replace(prefix=[token] * (_DOCUMENT + number)) for number in range(_DOCUMENTS)]
    scorer.attend(requests, scorer.heads[:1])
    tokens, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or not tokens:
        scorer.attend(requests, scorer.heads[:1])
        tokens += sum(len(request.prefix) + len(request.tokens) for request in requests)
    return tokens / elapsed
