"""The playground's example shows what it is for: at the rate that the page begins with, the answer stays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tersely_server
from tersely import Document

FOLDER = Path(tersely_server.__file__).parent / "playground" / "page"
EXAMPLE = (FOLDER / "example.js").read_text(encoding="utf-8")
PAGE = (FOLDER / "index.html").read_text(encoding="utf-8")


def documents() -> list[Document]:
    (text,) = re.findall(r"text: `(.*?)`", EXAMPLE, re.DOTALL)
    parts = [re.fullmatch(r"# (.*?)\n(.*)", part.strip(), re.DOTALL) for part in text.split("\n---\n")]
    return [Document(title=title, text=words.strip()) for title, words in (part.groups() for part in parts)]


@pytest.mark.model
def test_the_answer_is_kept(real_compressor) -> None:
    (question,) = re.findall(r'question: "(.*?)"', EXAMPLE)
    (percent,) = re.findall(r'id="rate"[^>]* value="(\d+)"', PAGE)
    result = real_compressor.compress(documents(), question, rate=int(percent) / 100)
    assert "last one at 21:40" in result.context
    assert "evening, after 20:00" in result.context and "adult, one way | 11.50 | 8.40" in result.context
