"""What each kernel of the scorer gains over the plain way to compute the same, on this machine.

    python benchmarks/kernels.py [--rounds 40] [--out benchmarks/RESULTS.md]

Shapes are those of the embedded model in a question over ten documents. Kernel and plain way run in turns; the gain is
the median over the turns of how many times as long the plain way takes, in processor time of one thread: other work on
the machine disturbs that least. A kernel that this machine does not choose by itself is measured all the same, and the
table says so.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import torch
import typer
from torch.nn.functional import cross_entropy, linear, scaled_dot_product_attention

from tersely.scoring.attention import reference
from tersely.scoring.attention.choice import KERNELS, matmul_outruns_attention
from tersely.scoring.attention.group import Group, Layer, Part, attention_mask
from tersely.scoring.decoder import TRUNCATED_VOCABULARY
from tersely.scoring.llama.eight_bits import EXACT_LEVELS, EightBitMatmul, eight_bit_levels, quantized
from tersely.scoring.llama.matmul import Matmul, fuses
from tersely.scoring.pass_items import KeyValues
from tersely_eval.measure import describe_machine
from tersely_eval.report import markdown_table, write_tables

RESULTS = Path(__file__).with_name("RESULTS.md")
# The embedded model.
_HEADS, _KEY_HEADS, _WIDTH, _HIDDEN, _FEED_FORWARD, _VOCABULARY = 9, 3, 64, 576, 1536, 49_152
_DOCUMENTS, _DOCUMENT_TOKENS, _QUESTION_TOKENS = 10, 150, 22
_ROWS = 1_536  # tokens of a pass
_TURN_SECONDS = 0.02  # of each way in a turn, at least

Action = Callable[[], object]


class Comparison(NamedTuple):
    """A kernel beside the plain way to the same numbers.

    Attributes:
        kernel: what it is, and for which dtype.
        when: it runs.
        plain: the other way, in words.
        chosen: whether the scorer can choose it on this machine.
        run, run_plain: compute once.
    """

    kernel: str
    when: str
    plain: str
    chosen: bool
    run: Action
    run_plain: Action

    def gain(self, rounds: int) -> float:
        """How many times as long the plain way takes; the median of turns."""
        calls = [self._calls(action) for action in (self.run, self.run_plain)]
        ratios = []
        for _ in range(rounds):
            seconds, plain_seconds = (
                _seconds(action, number) for action, number in zip((self.run, self.run_plain), calls, strict=True)
            )
            ratios.append(plain_seconds / seconds)
        return median(ratios)

    @staticmethod
    def _calls(action: Action) -> int:
        """As many as a turn needs, found after a call to warm up."""
        _seconds(action, 3)
        return max(1, round(_TURN_SECONDS / _seconds(action, 3)))


def _seconds(action: Action, calls: int) -> float:
    """Processor time of a call."""
    start = time.process_time()
    for _ in range(calls):
        action()
    return (time.process_time() - start) / calls


def _random(*shape: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.randn(shape).to(dtype)


def _attention_case(
    texts: int, before: int, tokens: int, dtype: torch.dtype, window: int | None = None
) -> tuple[Group, Layer]:
    """Texts of which `before` tokens are cached, and `tokens` each in the pass."""
    parts = []
    for number in range(texts):
        tensors = (_random(1, _KEY_HEADS, before, _WIDTH, dtype=dtype) for _ in range(2))
        cached = (KeyValues(*tensors),) if before else ()
        parts.append(Part(number, range(number * tokens, (number + 1) * tokens), cached, range(0)))
    key, value = (_random(_KEY_HEADS, texts * tokens, _WIDTH, dtype=dtype) for _ in range(2))
    layer = Layer(0, _random(_HEADS, texts * tokens, _WIDTH, dtype=dtype) / 8, key, value, window)
    width = before + tokens + (-(before + tokens) % 128 if before and tokens <= 64 else 0)
    return Group(parts, slice(0, texts * tokens), width, until=1), layer


def _text_by_text(group: Group, layer: Layer) -> Action:
    """One call of torch's attention for each text, with a mask."""
    masks = [
        attention_mask(part.tokens_before, len(part.rows), part.tokens_before + len(part.rows), None, layer.query)
        for part in group.parts
    ]

    def run() -> None:
        for part, mask in zip(group.parts, masks, strict=True):
            rows = slice(part.rows.start, part.rows.stop)
            keys, values = (
                torch.cat([part.cached[0][kind][0], tensor[:, rows]], dim=1)[None]
                for kind, tensor in enumerate((layer.key, layer.value))
            )
            scaled_dot_product_attention(layer.query[None, :, rows], keys, values, mask, scale=1.0, enable_gqa=True)

    return run


def attention() -> Iterator[Comparison]:
    """The kernels of `attention/choice.py`."""
    kernels = {kernel.name: kernel for kernel in KERNELS}

    def started(name: str, group: Group, layer: Layer) -> Action:
        kernel = kernels[name].start(group, layer)
        return lambda: kernel(layer, ())

    fast = matmul_outruns_attention()
    by_matmul = "bfloat16, AVX-512 BF16 without AMX"
    group, layer = _attention_case(1, 0, _DOCUMENT_TOKENS + _QUESTION_TOKENS, torch.bfloat16)
    yield Comparison(
        "attention: matmul, one text (a document)",
        f"{by_matmul}; over 64 tokens",
        "attention: torch, one text",
        fast,
        started("matmul, one text", group, layer),
        started("torch, one text", group, layer),
    )
    group, layer = _attention_case(1, 600, 200, torch.bfloat16)
    yield Comparison(
        "attention: matmul, one text (200 tokens after 600)",
        f"{by_matmul}; over 64 tokens",
        "attention: torch, masked",
        fast,
        started("matmul, one text", group, layer),
        started("torch, masked", group, layer),
    )
    for tokens, dtype in product((_DOCUMENT_TOKENS, 1_000), (torch.float32, torch.bfloat16)):
        group, layer = _attention_case(1, 0, tokens, dtype)
        yield Comparison(
            f"attention: torch, one text ({tokens:,} tokens, {_name(dtype)})",
            "any machine; from a text's first token on",
            "attention: torch, masked",
            not (fast and dtype == torch.bfloat16),
            started("torch, one text", group, layer),
            started("torch, masked", group, layer),
        )
    group, layer = _attention_case(_DOCUMENTS, _DOCUMENT_TOKENS, _QUESTION_TOKENS, torch.bfloat16)
    yield Comparison(
        "attention: matmul, masked",
        f"{by_matmul}; few tokens after texts of up to 512 keys",
        "attention: torch, masked",
        fast,
        started("matmul, masked", group, layer),
        started("torch, masked", group, layer),
    )
    for tokens, dtype in product((5, _QUESTION_TOKENS), (torch.float32, torch.bfloat16)):
        group, layer = _attention_case(_DOCUMENTS, _DOCUMENT_TOKENS, tokens, dtype)
        yield Comparison(
            f"attention: torch, masked ({tokens} tokens after each text, {_name(dtype)})",
            "accelerators; on a processor whatever no other kernel computes",
            "torch's attention text by text",
            not (fast and dtype == torch.bfloat16),
            started("torch, masked", group, layer),
            _text_by_text(group, layer),
        )
    group, layer = _attention_case(1, 0, _DOCUMENT_TOKENS, torch.float32)
    yield Comparison(
        "attention: torch, one text (150 tokens, float32)",
        "any machine; from a text's first token on",
        "the reference",
        True,
        started("torch, one text", group, layer),
        lambda: reference.attention(layer.query, layer.key, layer.value),
    )


def matmuls() -> Iterator[Comparison]:
    """The kernels of `llama/`."""
    rows = _random(_ROWS, _HIDDEN, dtype=torch.float32)
    weight = _random(_FEED_FORWARD, _HIDDEN, dtype=torch.float32) / 24
    scale = rows.square().mean(dim=1, keepdim=True).rsqrt()
    levels = eight_bit_levels()
    for dtype in (torch.float32, torch.bfloat16):
        if fuses(dtype, "cpu"):
            yield from _fused_matmuls(rows.to(dtype), weight.to(dtype), (rows @ weight.T).to(dtype))
            if levels is not None:
                yield _eight_bit_matmul(rows.to(dtype), scale, weight, levels)
        yield _joined_matmul(rows.to(dtype), weight.to(dtype))
    yield Comparison(
        "rows quantized through 16 bits",
        "a processor with 8-bit matmuls",
        "converted to 8 bits at once",
        levels is not None,
        lambda: quantized(rows, scale, EXACT_LEVELS),
        lambda: (rows * scale * 33.4).add_(128.5).clamp_(1, 255.5).to(torch.uint8),
    )


def _fused_matmuls(rows: torch.Tensor, weight: torch.Tensor, other: torch.Tensor) -> Iterator[Comparison]:
    """A matmul with the operation on its result, for each operation that oneDNN fuses."""
    fused, plain = Matmul(weight, True), Matmul(weight, False)
    pairs: dict[str, tuple[Action, Action]] = {
        "SiLU": (lambda: fused.silu(rows), lambda: plain.silu(rows)),
        "product": (lambda: fused.times(rows, other), lambda: plain.times(rows, other)),
        "sum": (lambda: fused.plus(rows, other), lambda: plain.plus(rows, other)),
    }
    for operation, (run, run_plain) in pairs.items():
        yield Comparison(
            f"matmul with a fused {operation} ({_name(rows.dtype)})",
            "a processor with oneDNN",
            "torch's `linear`, then the operation",
            True,
            run,
            run_plain,
        )


def _eight_bit_matmul(rows: torch.Tensor, scale: torch.Tensor, weight: torch.Tensor, levels: int) -> Comparison:
    integers, fused = EightBitMatmul([weight], rows.dtype, levels), Matmul(weight.to(rows.dtype), True)
    return Comparison(
        f"8-bit matmul, rows quantized anew (beside {_name(rows.dtype)})",
        "a processor with AVX2, VNNI or AMX",
        "the fused matmul",
        True,
        lambda: integers.silu(quantized(rows, scale, levels)),
        lambda: fused.silu(rows),
    )


def _joined_matmul(rows: torch.Tensor, weight: torch.Tensor) -> Comparison:
    fused = fuses(rows.dtype, "cpu")
    joined = torch.cat([weight[:_HIDDEN], weight[:192], weight[:192]])
    parts = [Matmul(part, fused) for part in joined.split([_HIDDEN, 192, 192])]
    whole = Matmul(joined, fused)
    return Comparison(
        f"queries, keys and values in one matmul ({_name(rows.dtype)})",
        "any machine",
        "three matmuls",
        True,
        lambda: whole(rows),
        lambda: [part(rows) for part in parts],
    )


def head() -> Iterator[Comparison]:
    """The language-model head over a part of the vocabulary."""
    for dtype in (torch.float32, torch.bfloat16):
        yield _truncated_head(dtype)
        yield _log_probabilities(dtype)


def _truncated_head(dtype: torch.dtype) -> Comparison:
    states = _random(_DOCUMENTS * _QUESTION_TOKENS, _HIDDEN, dtype=dtype)
    weight = _random(_VOCABULARY, _HIDDEN, dtype=dtype) / 24
    targets = torch.randint(0, _VOCABULARY, (len(states),))
    whole, part = Matmul(weight, False), Matmul(weight[:TRUNCATED_VOCABULARY], False)

    def truncated() -> torch.Tensor:
        logits = torch.cat([part(states), whole.gather(states, targets)[:, None].to(states.dtype)], dim=1)
        return cross_entropy(logits.float(), targets.clamp(max=TRUNCATED_VOCABULARY), reduction="none")

    def full() -> torch.Tensor:
        return cross_entropy(linear(states, weight).float(), targets, reduction="none")

    return Comparison(
        f"head over the truncated vocabulary ({_name(dtype)})",
        "scores that are only compared with each other",
        "the whole vocabulary",
        True,
        truncated,
        full,
    )


def _log_probabilities(dtype: torch.dtype) -> Comparison:
    logits, targets = _random(256, _VOCABULARY, dtype=dtype), torch.randint(0, _VOCABULARY, (256,))

    def in_chunks() -> torch.Tensor:
        chunks = zip(logits.split(32), targets.split(32), strict=True)
        return torch.cat([cross_entropy(rows.float(), of_rows, reduction="none") for rows, of_rows in chunks])

    return Comparison(
        f"log-probabilities of 32 rows at a time ({_name(dtype)})",
        "any machine",
        "256 rows at once",
        True,
        in_chunks,
        lambda: cross_entropy(logits.float(), targets, reduction="none"),
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def main(
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each comparison.")] = 40,
    out: Annotated[Path, typer.Option(help="The table goes there.")] = RESULTS,
) -> None:
    """Measure every kernel, and write the table."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    # The first large block that is freed teaches malloc to reuse such blocks, as in a process that has made a pass.
    torch.ones(7_000_000)
    lines = [["kernel", "when it runs", "runs here", "beside", "gain"]]
    with torch.inference_mode():
        for comparisons in (attention, matmuls, head):
            for comparison in comparisons():
                gain = comparison.gain(rounds)
                chosen = "yes" if comparison.chosen else "no"
                lines.append([comparison.kernel, comparison.when, chosen, comparison.plain, f"{gain:.2f}"])
                typer.echo(" | ".join(lines[-1]))
    command = shlex.join(["python", *sys.argv])
    heading = f"`{command}`; {date.today().isoformat()}; {describe_machine('cpu', 'bfloat16 and float32')}"
    note = (
        f"Median over {rounds} turns of how many times as long the plain way takes, in processor time of one thread. A "
        f"kernel stays that gains 3% somewhere, or that other machines need."
    )
    write_tables(out, {"kernels": f"{heading}\n\n{note}\n\n{markdown_table(lines)}"})


if __name__ == "__main__":
    typer.run(main)
