"""How the cost of `evidence` grows: with tokens, with documents, with callers; what a second question costs.

Each size in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from statistics import median
from typing import NamedTuple

import typer
from speed_measuring import Plan, Setup, forget, in_fresh_process, in_turns, measured, memory

from tersely import Document, InvalidInputError
from tersely.budget import with_title
from tersely.scoring import Encoding
from tersely_eval.data import Question
from tersely_eval.report import markdown_table

_CONTEXT_TOKENS = (1_000, 4_000, 16_000, 64_000, 128_000)
_DOCUMENTS = (1, 5, 20, 100, 500)
_DOCUMENT_TOKENS = 128
_CALLERS = (1, 2, 4, 8, 16)
_CALLER_CONTEXTS = tuple(product(((1, 32), (1, 128), (5, 128)), (False, True)))  # documents, tokens of each; known

Encode = Callable[[str], Encoding]


class Cost(NamedTuple):
    """Documents and their tokens, median seconds of a call, and the most memory beyond that of the loaded model."""

    documents: int
    tokens: int
    seconds: float
    peak_bytes: int


def many_documents(documents: Sequence[Document], tokens: int, encode: Encode) -> list[Document]:
    """The first of the documents, as many as have so many tokens together; the last of them is cut."""
    taken: list[Document] = []
    for document in documents:
        length = len(encode(with_title(document.title, document.text)).tokens)
        if length >= tokens:
            of_title = length - len(encode(document.text).tokens)
            text = _first_tokens(document.text, tokens - of_title, encode)
            return [*taken, document.model_copy(update={"text": text})] if text else taken
        taken.append(document)
        tokens -= length
    raise InvalidInputError(f"the documents of the last file have {tokens:,} tokens too few: give one with more")


def one_document(documents: Sequence[Document], tokens: int, encode: Encode) -> list[Document]:
    """The same text as a single document."""
    parts = many_documents(documents, tokens, encode)
    text = "\n\n".join(with_title(document.title, document.text) for document in parts)
    return [Document(text=_first_tokens(text, tokens, encode))]


def equal_documents(documents: Sequence[Document], number: int, tokens: int, encode: Encode) -> list[Document]:
    """So many documents of so many tokens each, with the text of these documents one after the other."""
    (whole,) = one_document(documents, number * tokens, encode)
    offsets = encode(whole.text).offsets
    starts = range(0, number * tokens, tokens)
    ends = [min(start + tokens, len(offsets)) for start in starts]
    return [
        Document(text=whole.text[offsets[start][0] : offsets[end - 1][1]])
        for start, end in zip(starts, ends, strict=True)
    ]


def _first_tokens(text: str, tokens: int, encode: Encode) -> str:
    offsets = encode(text).offsets[: max(tokens, 0)]
    return text[: offsets[-1][1]] if offsets else ""


def _cost(setup: Setup, warm_up: Question, question: str, build: Callable[[Encode], list[Document]]) -> Cost:
    """One size. `build` makes the documents."""
    compressor = setup.compressor()
    of_model = memory(setup.device)
    encode = compressor.scorer.encode
    documents = build(encode)
    setup.compress(warm_up.documents, warm_up.question)
    (calls,) = in_turns([lambda: setup.compress(documents, question)], setup)
    return Cost(
        len(documents),
        sum(len(encode(with_title(document.title, document.text)).tokens) for document in documents),
        median(call.seconds for call in calls),
        max(call.peak_bytes for call in calls) - of_model,
    )


def by_tokens(plan: Plan) -> str:
    """Seconds and memory by the number of tokens, in documents as they come."""
    costs = _costs(plan, [partial(many_documents, _documents(plan), size) for size in plan.sizes(*_CONTEXT_TOKENS)])
    return _shown(plan, costs, f"documents of {plan.last}, one after the other")


def of_one_document(plan: Plan) -> str:
    """The same with the text as a single document."""
    costs = _costs(plan, [partial(one_document, _documents(plan), size) for size in plan.sizes(*_CONTEXT_TOKENS)])
    return _shown(plan, costs, f"documents of {plan.last}, their titles and texts put together to a single one")


def by_documents(plan: Plan) -> str:
    """Seconds and memory by the number of documents of one length."""
    costs = _costs(plan, [partial(_equal, _documents(plan), number) for number in plan.sizes(*_DOCUMENTS)])
    return _shown(plan, costs, f"documents of {_DOCUMENT_TOKENS} tokens each")


_MEMORY = (
    "Memory is the process's peak during the calls less what it had when the model was loaded; what is cached of the "
    "documents for later questions is part of it."
)


def _shown(plan: Plan, costs: Sequence[Cost], what: str) -> str:
    rows = [["documents", "tokens", "seconds", "tokens/s", "memory over the model's, MB"]]
    rows += [
        [
            f"{cost.documents:,}",
            f"{cost.tokens:,}",
            f"{cost.seconds:.2f}",
            f"{cost.tokens / cost.seconds:,.0f}",
            f"{cost.peak_bytes / 1e6:,.0f}",
        ]
        for cost in costs
    ]
    return (
        f"`evidence` at a rate of {plan.setup.rate:g} on {what}; tokens of the embedded model, the question not "
        f"counted. {_MEMORY}\n\n{markdown_table(rows)}"
    )


def _equal(documents: Sequence[Document], number: int, encode: Encode) -> list[Document]:
    return equal_documents(documents, number, _DOCUMENT_TOKENS, encode)


def _documents(plan: Plan) -> list[Document]:
    """All of the last data set but those that warm up, each once: none may be known from another."""
    of_set = plan.data[plan.last][:-1]
    known = {(document.title, document.text) for document in plan.warm_up(plan.last).documents}
    by_text = {(document.title, document.text): document for question in of_set for document in question.documents}
    return [document for key, document in by_text.items() if key not in known]


def _costs(plan: Plan, contexts: Sequence[Callable[[Encode], list[Document]]]) -> list[Cost]:
    """Each context in its own process; the last and largest first, so that too few documents are said at once."""
    question = plan.data[plan.last][0].question  # its documents come first
    costs = []
    for build in reversed(contexts):
        cost = in_fresh_process(_cost, plan.setup, plan.warm_up(plan.last), question, build)
        typer.echo(f"{cost.documents:,} documents, {cost.tokens:,} tokens: {cost.seconds:.2f} s", err=True)
        costs.append(cost)
    return costs[::-1]


class _Callers(NamedTuple):
    """Seconds of all calls one after the other and at once, and the memory of the latter."""

    in_turn: float
    at_once: float
    peak_bytes: int


def _callers(
    setup: Setup,
    warm_up: Question,
    question: str,
    documents: Sequence[Document],
    number: int,
    context: tuple[int, int],
    known: bool,
) -> _Callers:
    compressor = setup.compressor()
    of_model = memory(setup.device)
    new_documents = equal_documents(documents, number * context[0], context[1], compressor.scorer.encode)
    contexts = [new_documents[start::number] for start in range(number)]
    setup.compress(warm_up.documents, warm_up.question)
    if known:
        compressor.index(new_documents)

    def call(context: Sequence[Document]) -> None:
        setup.compress(context, question)

    def at_once() -> None:
        with ThreadPoolExecutor(number) as threads:
            list(threads.map(call, contexts))

    def in_turn() -> None:
        for context in contexts:
            call(context)

    sequential, concurrent = in_turns([in_turn, at_once], setup, ready=(lambda _: None) if known else forget)
    return _Callers(
        median(call.seconds for call in sequential),
        median(call.seconds for call in concurrent),
        max(call.peak_bytes for call in concurrent) - of_model,
    )


def by_callers(plan: Plan) -> str:
    """Several threads that call one compressor, each with documents of its own."""
    headings = ["documents of each", "callers", "one after the other, s", "at once, s", "ratio", "calls/s at once"]
    rows = [[*headings, "memory at once, MB"]]
    for (context, known), number in product(_CALLER_CONTEXTS, plan.sizes(*_CALLERS)):
        documents = f"{context[0]} of {context[1]} tokens, {'known' if known else 'new'}"
        typer.echo(f"callers: {number}, documents: {documents}", err=True)
        growth = in_fresh_process(
            _callers,
            plan.setup,
            plan.warm_up(plan.last),
            plan.data[plan.last][0].question,
            _documents(plan),
            number,
            context,
            known,
        )
        rows.append(
            [
                documents,
                str(number),
                f"{growth.in_turn:.2f}",
                f"{growth.at_once:.2f}",
                f"{growth.in_turn / growth.at_once:.2f}",
                f"{number / growth.at_once:.1f}",
                f"{growth.peak_bytes / 1e6:,.0f}",
            ]
        )
    return (
        f"`evidence` at a rate of {plan.setup.rate:g}; each caller is a thread with documents of its own, "
        f"all on one compressor: new, or known from `index`. Seconds until all are done. {_MEMORY}\n\n"
        f"{markdown_table(rows)}"
    )


def _first_and_second(setup: Setup, warm_up: Question, questions: Sequence[Question]) -> list[tuple[float, float]]:
    """Seconds of a question, and of another over the same documents right after it."""
    setup.compress(warm_up.documents, warm_up.question)

    def pairs() -> Iterator[tuple[float, float]]:
        next_questions = [*questions[1:], warm_up]
        for question, next_question in zip(questions, next_questions, strict=True):
            forget(setup.compressor())
            first, second = (
                measured(partial(setup.compress, question.documents, asked.question), setup.device).seconds
                for asked in (question, next_question)
            )
            yield first, second

    return list(pairs())


def second_question(plan: Plan) -> str:
    """A second question over documents that were just read."""
    rows = [["data", "first question, s", "second question, s", "first / second"]]
    for name in plan.data:
        typer.echo(f"reuse: {name}", err=True)
        pairs = in_fresh_process(_first_and_second, plan.setup, plan.warm_up(name), plan.questions(name))
        rows.append(
            [
                name,
                f"{median(first for first, _ in pairs):.3f}",
                f"{median(second for _, second in pairs):.3f}",
                f"{median(first / second for first, second in pairs):.2f}",
            ]
        )
    return (
        f"`evidence` at a rate of {plan.setup.rate:g}; questions of each set: {plan.number}, each on documents that "
        f"the compressor never saw, then another question over the same documents. Medians.\n\n{markdown_table(rows)}"
    )
