"""Tersely beside llmlingua 0.2.2: the same questions, weights and budgets, in turns, each in a process of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

import typer
from speed_ceiling import Limit, limit_of, model_shapes
from speed_measuring import Plan, Setup, forget, in_fresh_process, measured, process, tokens_read

from tersely import MethodName
from tersely.scoring.devices import best_floating_dtype
from tersely_eval.data import Question
from tersely_eval.peers import peer_approaches
from tersely_eval.report import markdown_table

_METHODS: tuple[MethodName, ...] = ("evidence", "longllmlingua")
_PEERS = ("llmlingua-0.2.2/longllmlingua/float32", "llmlingua-0.2.2/longllmlingua/bfloat16")


class Turn(NamedTuple):
    """One contender, one question.

    Attributes:
        seconds: of the call alone.
        peak_bytes: the most memory that the contender's process had meanwhile, its model included; None: not
            known.
        tokens: of one pass over the documents, each with the question after it: the same for all contenders.
    """

    seconds: float
    peak_bytes: int | None
    tokens: int


def peers_of(dtype: str) -> list[str]:
    """The peers to measure where that is the best floating dtype: without native bfloat16, theirs takes minutes."""
    return [peer for peer in _PEERS if dtype == "bfloat16" or not peer.endswith("bfloat16")]


def _own_turn(setup: Setup, question: Question, method: MethodName) -> tuple[Turn, int]:
    """One of Tersely's turns, on documents that are new to it, and its budget in tokens."""
    compressor = setup.compressor()
    forget(compressor)
    targets: list[int] = []
    call = measured(
        lambda: targets.append(setup.compress(question.documents, question.question, method).target_tokens),
        setup.device,
    )
    return Turn(*call, tokens_read(compressor, question.documents, question.question)), targets[0]


def _take_turns(plan: Plan) -> dict[str, dict[str, list[Turn]]]:
    """Data set -> contender -> its turns, question by question."""
    turns_by_set: dict[str, dict[str, list[Turn]]] = {}
    with ExitStack() as stack:
        pools = {method: stack.enter_context(process()) for method in _METHODS}
        peers = peer_approaches(plan.setup.device)
        names = peers_of(best_floating_dtype(plan.setup.device))
        for name in plan.data:
            turns: dict[str, list[Turn]] = defaultdict(list)
            for question in (plan.warm_up(name), *plan.questions(name)):
                typer.echo(f"peers: {name}, {question.id}", err=True)
                for method, pool in pools.items():
                    turn, target = pool.submit(_own_turn, plan.setup, question, method).result()
                    turns[method].append(turn)
                for peer in names:
                    answer = peers[peer](question, target)
                    assert answer.seconds is not None and answer.peak_bytes is not None  # a peer tells both
                    peak = answer.peak_bytes if plan.setup.device == "cpu" else None  # it tells main memory only
                    turns[peer].append(Turn(answer.seconds, peak, turn.tokens))
            turns_by_set[name] = {contender: of_contender[1:] for contender, of_contender in turns.items()}
    return turns_by_set


def section(plan: Plan) -> str:
    """Seconds, speed and memory of each contender, and of each pair the ratio."""
    limit = in_fresh_process(limit_of, plan.setup.device)
    turns_by_set = _take_turns(plan)
    return (
        f"Rate {plan.setup.rate:g}; questions of each set: {plan.number}, in turns, after one to warm up. Each "
        f"contender has a process of its own, and never saw the documents. Tokens are those of one pass over each "
        f"document with the question after it, as the embedded model counts them: the same for all, however many "
        f"passes a method makes. The limit is the fastest {limit.number_type} product, {limit.speed / 1e9:,.0f} "
        f"GFLOP/s; the share is what the products of all layers in that one pass come to (`evidence` reads documents "
        f"by fewer).\n\n"
        f"{markdown_table(_contender_rows(turns_by_set, limit))}\n\n"
        f"How many times as long the peer takes, question by question:\n\n{markdown_table(pair_rows(turns_by_set))}"
    )


def _contender_rows(turns_by_set: Mapping[str, Mapping[str, Sequence[Turn]]], limit: Limit) -> list[list[str]]:
    rows = [["data", "contender", "median s a question", "tokens/s", "share of the limit", "peak memory, GB"]]
    operations = model_shapes().operations
    for name, contenders in turns_by_set.items():
        for contender, turns in contenders.items():
            speed = median(turn.tokens / turn.seconds for turn in turns)
            peaks = [turn.peak_bytes for turn in turns if turn.peak_bytes is not None]
            rows.append(
                [
                    name,
                    f"`{contender}`",
                    f"{median(turn.seconds for turn in turns):.2f}",
                    f"{speed:,.0f}",
                    f"{speed * operations / limit.speed:.1%}",
                    f"{max(peaks) / 1e9:.2f}" if peaks else "–",
                ]
            )
    return rows


def pair_rows(turns_by_set: Mapping[str, Mapping[str, Sequence[Turn]]]) -> list[list[str]]:
    """A table of each method of Tersely against each peer: peer's seconds / own seconds of the same question."""
    rows = [["data", "method", "peer", "median ratio", "range", "ratios"]]
    for name, contenders in turns_by_set.items():
        for method in _METHODS:
            for peer in filter(contenders.__contains__, _PEERS):
                pairs = zip(contenders[peer], contenders[method], strict=True)
                ratios = [peer_turn.seconds / turn.seconds for peer_turn, turn in pairs]
                span = f"{min(ratios):.1f} to {max(ratios):.1f}"
                listed = ", ".join(f"{ratio:.1f}" for ratio in ratios)
                rows.append([name, f"`{method}`", f"`{peer}`", f"{median(ratios):.1f}", span, listed])
    return rows
