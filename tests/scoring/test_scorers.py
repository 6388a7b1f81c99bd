"""A model's name -> a scorer, by our own loader or by one that a program sets."""

from __future__ import annotations

import subprocess
import sys

from doubles import FakeScorer
from tersely import CacheSettings, Compressor, shared_compressor
from tersely.scoring import load_scorer, set_loader


def test_the_room_is_imported_without_torch() -> None:
    program = "import sys, tersely.scoring; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"


def test_without_a_loader_of_the_program_torch_loads_the_model(tiny_llama) -> None:
    scorer = load_scorer(str(tiny_llama), device="cpu", dtype="float32")
    assert (scorer.name, scorer.device, scorer.dtype) == (str(tiny_llama), "cpu", "float32")


def test_a_loader_gets_what_the_compressor_was_told(loader) -> None:
    asked = []

    def load(model, **options):
        asked.append((model, options))
        return FakeScorer()

    loader(load)
    cache = CacheSettings(disk_bytes=0)
    Compressor("a/model", device="cuda", dtype="float16", cache=cache)
    assert asked == [("a/model", {"device": "cuda", "dtype": "float16", "cache": cache})]


def test_a_shared_compressor_is_of_the_loader_that_is_set(loader) -> None:
    first, second = FakeScorer(), FakeScorer()

    def load_first(model, **options):
        return first

    loader(load_first)
    compressor = shared_compressor("a/model")
    assert compressor.scorer is first
    loader(lambda model, **options: second)
    assert shared_compressor("a/model").scorer is second
    assert shared_compressor("a/model", len).scorer is second
    loader(load_first)
    assert shared_compressor("a/model") is compressor, "loaded once"


def test_none_sets_our_own_loader_again(loader, tiny_llama) -> None:
    loader(lambda model, **options: FakeScorer())
    set_loader(None)
    assert load_scorer(str(tiny_llama)).name == str(tiny_llama)
