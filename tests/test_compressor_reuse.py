"""Reuse: a forward pass shared by several callers, and the cached words of a document."""

from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

from meeting_documents import DOCUMENTS, QUESTION

from doubles import PassCount
from tersely import CacheSettings, CompressionResult, Compressor, Document
from tersely.scoring import queue
from tersely.text import segmentation


def test_callers_who_call_at_once_share_a_pass(tiny_llama, monkeypatch) -> None:
    monkeypatch.setattr(queue, "PATIENCE", 60.0)
    compressor = Compressor(str(tiny_llama), cache=CacheSettings(memory_bytes=0, disk_bytes=0))
    passes = PassCount(monkeypatch)
    all_are_here = threading.Barrier(3)

    def progress(stage: str, share: float) -> None:
        if (stage, share) == ("segment", 0.0):
            all_are_here.wait(60)

    def compress(text: str) -> CompressionResult:
        return compressor.compress([text], QUESTION, rate=0.5, progress=progress)

    texts = [f"The meeting number {number} took place in Vienna. It rained all day." for number in range(3)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(compress, texts))
    shared = passes.items[0]
    passes.items.clear()
    alone = [compressor.compress([text], QUESTION, rate=0.5) for text in texts]
    assert shared == 3 * passes.items[0]
    assert [result.context for result in together] == [result.context for result in alone]


def counted_words(monkeypatch) -> list[str]:
    """A list to which each text is added that is cut into words from now on."""
    texts: list[str] = []
    split = segmentation.split_words

    def counting(text: str, *arguments):
        texts.append(text)
        return split(text, *arguments)

    monkeypatch.setattr(segmentation, "split_words", counting)
    return texts


def test_a_document_is_cut_into_words_once_and_gives_what_a_new_one_gives(fake_scorer, monkeypatch) -> None:
    texts = counted_words(monkeypatch)
    compressor = Compressor(fake_scorer, tokenizer=len)
    compressor.index(DOCUMENTS)
    again = [Document(text="Something else."), *reversed(DOCUMENTS[:2])]
    for question in (QUESTION, "Who came?"):
        result = compressor.compress(again, question, rate=0.5)
        new = Compressor(fake_scorer, tokenizer=len, cache=CacheSettings(memory_bytes=0))
        expected = new.compress(again, question, rate=0.5)
        assert result.model_dump(exclude={"seconds"}) == expected.model_dump(exclude={"seconds"})
        assert {document.index: document.document.id for document in result.documents} == {0: None, 1: "7", 2: None}
    assert len(texts) == 3 + 1 + 2 * 3, "three ahead, a new one, and each time all three where nothing is cached"


def test_cached_words_are_used_for_the_same_text_only(fake_scorer, monkeypatch) -> None:
    texts = counted_words(monkeypatch)
    compressor = Compressor(fake_scorer, tokenizer=len)
    text = "One sentence is here. Another one says that 42 people came. A third one ends it."
    plain = compressor.compress([text], QUESTION, rate=0.4)
    assert "42 people" in compressor.compress([text], "Who ended it?", rate=0.4, protect=["42 people"]).context
    kept = Document(text=text, keep_passages=("A third one",), title="Title")
    assert "A third one" in compressor.compress([kept], QUESTION, rate=0.6).context
    assert compressor.compress([text], QUESTION, rate=0.4).context == plain.context
    assert len(texts) == 3


def test_cached_words_hold_nothing_else_of_the_document(fake_scorer) -> None:
    class Metadata(dict):
        pass

    compressor = Compressor(fake_scorer, tokenizer=len)
    metadata = Metadata(secret=1)
    gone = weakref.ref(metadata)
    compressor.index([Document.model_construct(text=DOCUMENTS[0], metadata=metadata)])
    del metadata
    gc.collect()
    assert gone() is None


def test_cached_words_stay_within_the_limit_of_the_cache(fake_scorer) -> None:
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
