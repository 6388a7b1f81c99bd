"""What is reused: the model, a pass of several callers, and the words of a document."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

from meeting_documents import DOCUMENTS, QUESTION

from tersely import (
    CacheSettings,
    CompressionResult,
    Compressor,
    Document,
)
from tersely.scoring import queue
from tersely.text import segmentation


def test_callers_who_call_at_once_share_a_pass(tiny_llama, monkeypatch) -> None:
    monkeypatch.setattr(queue, "_PATIENCE", 60.0)
    compressor = Compressor(str(tiny_llama), cache=CacheSettings(memory_bytes=0, disk_bytes=0))
    passes: list[int] = []
    run = compressor.scorer._run_pass
    monkeypatch.setattr(compressor.scorer._queue, "_run_pass", lambda work: [passes.append(len(work)), run(work)][1])
    all_are_here = threading.Barrier(3)

    def progress(stage: str, share: float) -> None:
        if (stage, share) == ("segment", 0.0):
            all_are_here.wait(60)

    def compress(text: str) -> CompressionResult:
        return compressor.compress([text], QUESTION, rate=0.5, progress=progress)

    texts = [f"The meeting number {number} took place in Vienna. It rained all day." for number in range(3)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(compress, texts))
    shared = passes[0]
    passes.clear()
    alone = [compressor.compress([text], QUESTION, rate=0.5) for text in texts]
    assert shared == 3 * passes[0]
    assert [one.context for one in together] == [one.context for one in alone]


def counted_words(monkeypatch) -> list[str]:
    """Receives each text that is cut into words."""
    texts: list[str] = []
    split = segmentation.split_words

    def counting(text: str, *arguments):
        texts.append(text)
        return split(text, *arguments)

    monkeypatch.setattr(segmentation, "split_words", counting)
    return texts


def test_a_document_is_cut_into_words_once_and_read_as_if_it_were_new(fake_scorer, monkeypatch) -> None:
    texts = counted_words(monkeypatch)
    compressor = Compressor(fake_scorer, tokenizer=len)
    compressor.index(DOCUMENTS)
    again = [Document(text="Something else."), *reversed(DOCUMENTS[:2])]
    for question in (QUESTION, "Who came?"):
        found = compressor.compress(again, question, rate=0.5)
        new = Compressor(fake_scorer, tokenizer=len, cache=CacheSettings(memory_bytes=0))
        expected = new.compress(again, question, rate=0.5)
        assert found.model_dump(exclude={"seconds"}) == expected.model_dump(exclude={"seconds"})
        assert {one.index: one.document.id for one in found.documents} == {0: None, 1: "7", 2: None}
    assert len(texts) == 3 + 1 + 2 * 3, "three ahead, one that was new, and all of those that are never kept"


def test_what_is_kept_of_a_documents_words_is_for_the_same_text_only(fake_scorer, monkeypatch) -> None:
    texts = counted_words(monkeypatch)
    compressor = Compressor(fake_scorer, tokenizer=len)
    text = "One sentence is here. Another one says that 42 people came. A third one ends it."
    plain = compressor.compress([text], QUESTION, rate=0.4)
    assert "42 people" in compressor.compress([text], "Who ended it?", rate=0.4, protect=["42 people"]).context
    kept = Document(text=text, keep_passages=("A third one",), title="Title")
    assert "A third one" in compressor.compress([kept], QUESTION, rate=0.6).context
    assert compressor.compress([text], QUESTION, rate=0.4).context == plain.context
    assert len(texts) == 3


def test_words_that_are_kept_hold_nothing_else_of_the_document(fake_scorer) -> None:
    class Metadata(dict):
        pass

    compressor = Compressor(fake_scorer, tokenizer=len)
    metadata = Metadata(secret=1)
    gone = weakref.ref(metadata)
    compressor.index([Document.model_construct(text=DOCUMENTS[0], metadata=metadata)])
    del metadata
    gc.collect()
    assert gone() is None


def test_words_are_kept_within_the_limit_of_the_cache(fake_scorer) -> None:
    compressor = Compressor(fake_scorer, tokenizer=len, cache=CacheSettings(memory_bytes=64 * 1_000_000))
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(100):
        compressor.compress([f"Text {number}. " + "It says some words about a town. " * 100], QUESTION, rate=0.5)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 300_000 < after - before < 1_300_000, "one of these texts takes about 200 KB"
