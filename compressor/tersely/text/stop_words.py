"""English words that do not tell what a text is about. They are loaded when they are first asked for."""

from __future__ import annotations

import logging
from functools import cache
from types import ModuleType


@cache
def load_bm25s() -> ModuleType:
    """Imported when it is used: where scipy is installed it loads that, too, and doubles the time of our import."""
    import bm25s.stopwords

    logging.getLogger("bm25s").setLevel(logging.WARNING)  # else it logs every index that it builds
    module: ModuleType = bm25s
    return module


@cache
def stop_words() -> frozenset[str]:
    """English words that do not tell what a text is about."""
    return frozenset(load_bm25s().stopwords.STOPWORDS_EN_PLUS)
