"""The machine's limit: how fast bare matrix products are, of any shape and of the model's own shapes.

They are of the fastest number type that the machine has: 8-bit integers, else bfloat16, else float32. Another type can
take a hundred times as long, such as bfloat16 on AVX2.
Beside them the pass of `evidence` over the same tokens. Attention, norms and the language-model head are not in the
products, so no pass can reach all of it. `evidence` reads documents by some of the layers only: so its own products are
taken, too, as bare as those of all layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import torch
from speed_measuring import Plan, Setup, forget, in_fresh_process, in_scorer_thread, measured, tokens_read
from transformers import AutoConfig

from tersely import DEFAULT_MODEL
from tersely.scoring.depth import prefix_layers
from tersely.scoring.devices import best_floating_dtype
from tersely.scoring.llama.eight_bits import EightBitMatmul, eight_bit_levels
from tersely.scoring.llama.matmul import Matmul, fuses
from tersely.scoring.models import model_path
from tersely_eval.data import Question
from tersely_eval.report import markdown_table

_SQUARES = (2048, 4096, 8192)
_ROWS = (512, 1024, 2048, 4096)  # tokens in one product
_SECONDS = 1.0  # of each measurement, at least
_TOKENS = 4096  # over which the best number of rows is found


class Shapes(NamedTuple):
    """The matrices of a model.

    Attributes:
        layers: how many layers have them.
        matrices: rows and columns of each, in one layer: q, k, v, o, gate, up, down.
    """

    layers: int
    matrices: Sequence[tuple[int, int]]

    @property
    def operations(self) -> int:
        """Floating-point operations for one token."""
        return self.layers * sum(2 * rows * columns for rows, columns in self.matrices)


def model_shapes() -> Shapes:
    """Those of the embedded model, from its configuration."""
    config = AutoConfig.from_pretrained(str(model_path(DEFAULT_MODEL)))
    hidden, wide = config.hidden_size, config.intermediate_size
    head = getattr(config, "head_dim", None) or hidden // config.num_attention_heads
    queries, keys = config.num_attention_heads * head, config.num_key_value_heads * head
    attention = [(queries, hidden), (keys, hidden), (keys, hidden), (hidden, queries)]
    return Shapes(config.num_hidden_layers, [*attention, (wide, hidden), (wide, hidden), (hidden, wide)])


def fastest_number_type(device: str) -> str:
    """The type of the fastest products that the device has: int8, bfloat16 or float32."""
    return "int8" if device == "cpu" and eight_bit_levels() is not None else best_floating_dtype(device)


def random_rows(rows: int, columns: int, number_type: str, device: str) -> torch.Tensor:
    """A matrix as products take it on the left."""
    if number_type == "int8":
        return torch.randint(0, 2 * (eight_bit_levels() or 0), (rows, columns), dtype=torch.uint8)
    return torch.randn(rows, columns, device=device, dtype=getattr(torch, number_type))


def product(rows: int, columns: int, number_type: str, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """The fastest product of rows with a random weight (rows, columns) that torch has."""
    weight = torch.randn(rows, columns)
    levels = eight_bit_levels()
    if number_type == "int8" and levels is not None:
        return EightBitMatmul([weight], getattr(torch, best_floating_dtype(device)), levels)
    dtype: torch.dtype = getattr(torch, number_type)
    return Matmul(weight.to(device, dtype), fuses(dtype, device))


class Limit(NamedTuple):
    """The fastest square product, in operations a second, and the type of its numbers."""

    number_type: str
    speed: float


def limit_of(device: str) -> Limit:
    """That of a device."""
    number_type, best = fastest_number_type(device), 0.0
    for size in _SQUARES if device != "cpu" else _SQUARES[:2]:
        left, multiply = random_rows(size, size, number_type, device), product(size, size, number_type, device)
        best = max(best, 2 * size**3 / _fastest(partial(multiply, left), device))
    return Limit(number_type, best)


_Product = tuple[int, Callable[[torch.Tensor], torch.Tensor]]  # the width of its rows; the product


class ModelProducts:
    """The products of a model's pass and nothing else: each layer has weights of its own, as in the model."""

    def __init__(self, shapes: Shapes, device: str) -> None:
        self._device, number_type = device, fastest_number_type(device)
        widths = {columns for _, columns in shapes.matrices}
        self._inputs = {width: random_rows(max(_ROWS), width, number_type, device) for width in widths}
        self._layers = [
            [(columns, product(rows, columns, number_type, device)) for rows, columns in shapes.matrices]
            for _ in range(shapes.layers)
        ]
        everything = [product for layer in self._layers for product in layer]
        self.rows = min(_ROWS, key=lambda rows: _fastest(lambda: self._run(everything, _TOKENS, rows), device))

    def __call__(self, tokens: int, further: int = 0, layers: int | None = None) -> None:
        """Run them, in products of as many rows as are fastest.

        Args:
            tokens: of the pass.
            further: so many of them are computed by all layers.
            layers: so many compute the others; of the rest they have keys and values only. None for all.
        """
        layers = len(self._layers) if layers is None else layers
        self._run([product for layer in self._layers[:layers] for product in layer], tokens, self.rows)
        self._run([product for layer in self._layers[layers:] for product in layer[1:3]], tokens, self.rows)
        self._run([product for layer in self._layers[layers:] for product in layer[:1] + layer[3:]], further, self.rows)

    def _run(self, products: Sequence[_Product], tokens: int, most_rows: int) -> None:
        with torch.inference_mode():
            for start in range(0, tokens, most_rows):
                rows = min(most_rows, tokens - start)
                for width, multiply in products:
                    multiply(self._inputs[width][:rows])


def _fastest(action: Callable[[], object], device: str) -> float:
    """The seconds of the fastest of several calls."""
    action()
    seconds: list[float] = []
    while sum(seconds) < _SECONDS:
        seconds.append(measured(action, device).seconds)
    return min(seconds)


class _Beside(NamedTuple):
    """One question: tokens of the pass; seconds of the bare products of all layers, of those that `evidence` needs, of
    its pass and of the whole call.
    """

    tokens: int
    products: float
    own: float
    ranking: float
    whole: float


def _beside(setup: Setup, data: dict[str, tuple[Question, Sequence[Question]]]) -> tuple[int, dict[str, list[_Beside]]]:
    """The rows of a product, and for each data set (a question to warm up, those to measure) what was measured."""
    compressor = setup.compressor()
    products = in_scorer_thread(compressor, lambda: ModelProducts(model_shapes(), setup.device))

    def seconds_of_products(*arguments: Any) -> float:
        return in_scorer_thread(compressor, lambda: measured(lambda: products(*arguments), setup.device)).seconds

    def turn(question: Question) -> _Beside:
        tokens = tokens_read(compressor, question.documents, question.question)
        # The question after each document, and the token before it, which predicts its first.
        further = len(question.documents) * (len(compressor.scorer.encode(f" {question.question}").tokens) + 1)
        layers = prefix_layers(compressor.scorer.fingerprint)
        products_seconds, own_seconds = seconds_of_products(tokens), seconds_of_products(tokens, further, layers)
        forget(compressor)
        ranking: list[float] = []

        def compress() -> None:
            result = setup.compress(question.documents, question.question)
            ranking.append(result.seconds["rank"])

        whole = measured(compress, setup.device).seconds
        return _Beside(tokens, products_seconds, own_seconds, ranking[0], whole)

    def turns() -> Iterator[tuple[str, list[_Beside]]]:
        for name, (warm_up, questions) in data.items():
            turn(warm_up)
            yield name, [turn(question) for question in questions]

    return products.rows, dict(turns())


def section(plan: Plan) -> str:
    """The limit, and how near to it the pass of `evidence` comes."""
    shapes = model_shapes()
    limit = in_fresh_process(limit_of, plan.setup.device)
    data = {name: (plan.warm_up(name), plan.questions(name)) for name in plan.data}
    rows, turns_by_set = in_fresh_process(_beside, plan.setup, data)
    lines = [
        [
            "data",
            "tokens a question",
            "bare products of all layers, s",
            "their GFLOP/s",
            "those of `evidence`, s",
            "its pass, s",
            "compress, all in all, s",
            "the pass's share of the speed of its own products",
            "of all layers'",
        ]
    ]
    for name, turns in turns_by_set.items():
        speed = median(turn.tokens / turn.products for turn in turns)
        lines.append(
            [
                name,
                f"{median(turn.tokens for turn in turns):,.0f}",
                f"{median(turn.products for turn in turns):.3f}",
                f"{speed * shapes.operations / 1e9:,.0f}",
                f"{median(turn.own for turn in turns):.3f}",
                f"{median(turn.ranking for turn in turns):.3f}",
                f"{median(turn.whole for turn in turns):.3f}",
                f"{median(turn.own / turn.ranking for turn in turns):.0%}",
                f"{median(turn.products / turn.ranking for turn in turns):.0%}",
            ]
        )
    return (
        f"The fastest product of two square {limit.number_type} matrices: {limit.speed / 1e9:,.0f} GFLOP/s. The "
        f"embedded model's own products take {shapes.operations / 1e6:,.0f} MFLOP a token ("
        f"{shapes.layers} layers of q, k, v, o, gate, up "
        f"and down, without attention and head); they are fastest {rows:,} tokens at a time. Medians over the "
        f"questions, products and `evidence` in turns. Tokens are those of one pass over each document with the "
        f"question after it; the pass is the stage `rank`, with all that belongs to it.\n\n{markdown_table(lines)}"
    )
