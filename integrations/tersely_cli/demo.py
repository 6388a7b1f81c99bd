"""A whole RAG pipeline on one page: Python's own language reference, retrieved, compressed and shown.

Everything it reads comes with Python: no API key, and no network once the model is there. Where LlamaIndex is
installed it is a LlamaIndex pipeline with `TerselyPostprocessor` in it; elsewhere the same with bm25s alone. No LLM is
called: the demo ends with the prompt that one would get.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.text import Text

from tersely import CompressionResult, CompressionSettings, Compressor, Document, InvalidInputError
from tersely.budget import render_prompt
from tersely.report import print_account, print_kept
from tersely_eval.data import cut_passages, reference_sections

if TYPE_CHECKING:
    from llama_index.core.schema import NodeWithScore

# Questions and the words in which the reference answers them.
QUESTIONS = {
    "What happens if a finally clause executes a return statement?": "the saved exception is discarded",
    "When are the default parameter values of a function evaluated?": "when the function definition is executed",
    "What happens when __exit__ returns a true value?": "the exception is suppressed",
    "Which methods must an asynchronous context manager implement?": '"__aenter__()" and "__aexit__()"',
    "What does a bare raise statement do when there is no active exception?": '"RuntimeError" exception is raised',
    "What happens to the exception variable at the end of an except clause?": "it is cleared",
}
DEFAULT_RATE = 0.25

_INSTRUCTION = "Answer the question from these passages of the Python language reference."
_PASSAGE_TOKENS = 256


class Pipeline(Protocol):
    """What the demo needs of a RAG framework."""

    name: str

    def retrieve(self, question: str, top_k: int) -> Sequence[Any]:
        """The passages that match a question best, best first, as the framework holds them."""
        ...

    def compress(self, passages: Sequence[Any], question: str, compressor: Compressor) -> tuple[str, CompressionResult]:
        """The context of the prompt, and the account of it."""
        ...


def run(
    question: str,
    settings: CompressionSettings,
    top_k: int,
    console: Console,
    progress: Callable[[str], AbstractContextManager[None]],
    note: Callable[[str], None],
) -> None:
    """Retrieve, compress and show.

    Args:
        question: any question about Python.
        settings: with a budget.
        top_k: passages to retrieve.
        console: where the demo is shown.
        progress: shows a message while something slow goes on.
        note: receives a line if LlamaIndex is not installed.

    Raises:
        TerselyError: as `Compressor.compress`.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        start = time.perf_counter()
        with progress(f"{name} ..."):
            yield
        seconds[name] = time.perf_counter() - start

    sections = reference_sections()
    with stage("split, index and retrieve"):
        pipeline = _pipeline(sections, note)
        passages = pipeline.retrieve(question, top_k)
    with stage("load the model"):
        compressor = Compressor(settings=settings)
    with stage("compress"):
        context, result = pipeline.compress(passages, question, compressor)

    def heading(text: str) -> None:
        console.print()
        console.rule(Text(text, style="bold"), align="left", characters="━")

    heading("Question")
    console.print(Text(question))
    if question in QUESTIONS:
        console.print(Text(f'The reference answers: "... {QUESTIONS[question]} ..."', style="dim"))
    heading(f"Retrieved: {len(passages)} passages")
    characters = sum(len(section.text) for section in sections)
    source = f"Python's own language reference ({len(sections)} sections, {characters:,} characters)"
    console.print(Text(f"{pipeline.name} over {source}"))
    console.print()
    print_account(result, console)
    heading("What was kept of them")
    print_kept(result, console)
    heading("The prompt")
    console.print(Text(render_prompt(_INSTRUCTION, context, question)))
    heading("Time")
    for name, duration in seconds.items():
        console.print(Text(f"{duration:6.2f} s  {name}"))
    for name, duration in result.seconds.items():
        console.print(Text(f"{duration:15.2f} s  {name}", style="dim"))


def find_question(asked: str | None) -> str:
    """The question to ask: the first of the built-in ones, one by its number, or the caller's own.

    Raises:
        InvalidInputError: it is empty, or there is no such number.
    """
    questions = list(QUESTIONS)
    if asked is None:
        return questions[0]
    if asked.strip().isdecimal():
        if not 1 <= int(asked) <= len(questions):
            raise InvalidInputError(
                f"there is no built-in question {asked.strip()}: they go from 1 to {len(questions)}"
            )
        return questions[int(asked) - 1]
    if not asked.strip():
        raise InvalidInputError("the question is empty; leave --question out to take a built-in one")
    return asked


def _pipeline(sections: Sequence[Document], note: Callable[[str], None]) -> Pipeline:
    try:
        return _LlamaIndexPipeline(sections)
    except ImportError:
        note("LlamaIndex is not installed, so this is bm25s alone: pip install 'tersely[llama-index]'")
        return _PlainPipeline(sections)


class _LlamaIndexPipeline:
    name = "LlamaIndex with its BM25 retriever"

    def __init__(self, sections: Sequence[Document]) -> None:
        from llama_index.core import Document as LlamaIndexDocument
        from llama_index.core.node_parser import SentenceSplitter
        from llama_index.postprocessor.tersely import TerselyPostprocessor
        from llama_index.retrievers.bm25 import BM25Retriever

        splitter = SentenceSplitter(
            chunk_size=_PASSAGE_TOKENS,
            chunk_overlap=0,
            id_func=lambda number, document: f"{document.node_id} [{number + 1}]",
        )
        documents = [LlamaIndexDocument(id_=section.id, text=section.text) for section in sections]
        self._nodes = splitter.get_nodes_from_documents(documents)
        self._retriever = BM25Retriever
        self._postprocessor = TerselyPostprocessor

    def retrieve(self, question: str, top_k: int) -> list[NodeWithScore]:
        top_k = min(top_k, len(self._nodes))
        retriever = self._retriever.from_defaults(nodes=self._nodes, similarity_top_k=top_k)
        nodes: list[NodeWithScore] = retriever.retrieve(question)
        return nodes

    def compress(
        self, passages: Sequence[NodeWithScore], question: str, compressor: Compressor
    ) -> tuple[str, CompressionResult]:
        from llama_index.core.schema import MetadataMode

        results: list[CompressionResult] = []
        postprocessor = self._postprocessor(compressor=compressor, on_result=results.append)
        nodes = postprocessor.postprocess_nodes(list(passages), query_str=question)
        return "\n\n".join(node.get_content(MetadataMode.LLM) for node in nodes), results[0]


class _PlainPipeline:
    name = "BM25"

    def __init__(self, sections: Sequence[Document]) -> None:
        self._passages = [passage for section in sections for passage in cut_passages(section)]

    def retrieve(self, question: str, top_k: int) -> list[Document]:
        import bm25s

        def words(texts: list[str]) -> Any:
            return bm25s.tokenize(texts, stopwords="en", show_progress=False)

        index = bm25s.BM25()
        index.index(words([passage.text for passage in self._passages]), show_progress=False)
        positions, _ = index.retrieve(words([question]), k=min(top_k, len(self._passages)), show_progress=False)
        return [self._passages[position] for position in positions[0]]

    def compress(
        self, passages: Sequence[Document], question: str, compressor: Compressor
    ) -> tuple[str, CompressionResult]:
        result = compressor.compress(passages, question)
        return result.context, result
