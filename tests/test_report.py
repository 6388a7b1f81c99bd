"""What people see of a result: HTML and terminal, with text that tries to be markup."""

from __future__ import annotations

from html.parser import HTMLParser
from io import StringIO

import pytest
from rich.console import Console

from tersely import CompressedDocument, CompressionResult, Document, RepairedDocument, SkippedDocument, Span
from tersely.report import html_fragment, html_page, print_account, print_kept

EVIL = '<script>alert("x")</script> [bold red]no markup[/bold red] [/] \x1b[2J end'


@pytest.fixture
def result() -> CompressionResult:
    kept = Document(text="The mill opened in 1820 and closed soon.", title="Mill & Sons", id="m")
    return CompressionResult(
        prompt="",
        context="",
        documents=[
            CompressedDocument(
                index=1,
                document=kept,
                kept=[Span(0, 8), Span(15, 23)],
                text="The mill in 1820",
                relevance=-2.345,
                original_tokens=1200,
                compressed_tokens=300,
            ),
            CompressedDocument(
                index=0,
                document=Document(text=EVIL, id="<b>[red]"),
                kept=[],
                text="",
                relevance=-9.0,
                original_tokens=34,
                compressed_tokens=0,
                copy_of=1,
            ),
        ],
        notes=["unused: 8 of 308 tokens, next unit needs <9> tokens"],
        skipped=[SkippedDocument(index=2, id="<i>", reason="empty or only white space")],
        repaired=[RepairedDocument(index=1, id="<u>", reason="a NUL byte at character 5 of the text became U+FFFD")],
        question="When did <it> open?",
        method="longllmlingua",
        model="smollm",
        tokenizer="o200k_base",
        target_tokens=308,
        original_tokens=1234,
        compressed_tokens=300,
        seconds={"rank": 0.5, "fit": 0.25},
    )


class _Balanced(HTMLParser):
    """Collects text and checks that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.dropped: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if "del" in self.open and "div" in self.open[2:]:
            self.dropped.append(data)


def _plain(print_it, result, width=80) -> str:
    out = StringIO()
    print_it(result, Console(file=out, width=width))
    return out.getvalue()


def test_html_escapes_everything_that_came_from_outside(result) -> None:
    html = html_page(result)
    assert "<script>" not in html and "<b>[red]" not in html and "<i>" not in html and "<it>" not in html
    assert "Mill &amp; Sons" in html


def test_html_is_well_formed_and_loads_nothing(result) -> None:
    parser = _Balanced()
    parser.feed(html_page(result))
    assert parser.open == []
    assert "script" not in parser.tags and "link" not in parser.tags and "img" not in parser.tags


def test_html_says_what_was_dropped_by_its_tags(result) -> None:
    html = html_fragment(result)
    assert "The mill<del> opened</del> in 1820<del> and closed soon.</del>" in html
    kept, dropped = html.split("<details")[1:]
    assert kept.startswith(" open>") and dropped.startswith(">")
    assert "relevance -2.35 · 1,200 → 300 tokens" in kept
    assert "34 tokens, dropped whole: copy of document 1" in dropped


def test_html_marks_what_was_kept_instead_of_better_text(result) -> None:
    assert "<mark" not in html_fragment(result)
    result.documents[0].instead = [Span(18, 23)]
    html = html_page(result)
    assert ' in<mark title="kept though a better passage did not fit"> 1820</mark><del> and' in html
    assert "what was <mark>kept though a better passage did not fit</mark> is underlined" in html
    parser = _Balanced()
    parser.feed(html)
    assert parser.open == [] and "".join(parser.dropped).startswith("dropped opened and closed soon.")


def test_html_has_the_totals(result) -> None:
    html = html_fragment(result)
    assert "1,234 → 300 tokens: 24.3% kept, 4.1 times shorter" in html
    assert "budget 308 tokens: 300 used (97.4%)" in html
    assert "0.75 s (rank 0.50, fit 0.25)" in html
    assert "<p>Unused: 8 of 308 tokens, next unit needs &lt;9&gt; tokens</p>" in html
    assert "Skipped document 2 (&lt;i&gt;): empty or only white space" in html
    assert "Repaired document 1 (&lt;u&gt;): a NUL byte at character 5 of the text became U+FFFD" in html


def test_a_notebook_shows_the_fragment(result) -> None:
    assert result._repr_html_() == html_fragment(result)


def test_account_has_a_row_for_each_document(result) -> None:
    lines = _plain(print_account, result).splitlines()
    assert lines[0].split() == ["index", "document", "relevance", "tokens"]
    assert lines[1].split() == ["1", "Mill", "&", "Sons", "-2.35", "1,200", "→", "300"]
    assert lines[2].split() == ["0", "<b>[red]", "-9.00", "34", "→", "copy", "of", "1"]
    assert lines[3] == "unused: 8 of 308 tokens, next unit needs <9> tokens"
    assert lines[4] == "skipped document 2 (<i>): empty or only white space"
    assert lines[5] == "repaired document 1 (<u>): a NUL byte at character 5 of the text became U+FFFD"
    assert "300 used (97.4%)" in lines[7]


def test_account_of_a_method_that_does_not_rank_has_no_relevance(result) -> None:
    for document in result.documents:
        document.relevance = None
    assert "relevance" not in _plain(print_account, result)


@pytest.mark.parametrize("width", [40, 80])
def test_account_fits_the_terminal(result, width) -> None:
    result.documents[0].document = Document(text="x", title="a very long title " * 20)
    assert max(map(len, _plain(print_account, result, width).splitlines()[:4])) <= width


def test_account_of_nothing() -> None:
    empty = CompressionResult(
        prompt="",
        context="",
        documents=[],
        skipped=[SkippedDocument(index=0, reason="empty or only white space")],
        method="llmlingua",
        tokenizer="o200k_base",
        target_tokens=1,
        original_tokens=0,
        compressed_tokens=0,
        seconds={},
    )
    assert "there was nothing to compress" in _plain(print_account, empty)
    assert "there was nothing to compress" in html_fragment(empty)


def test_kept_shows_gaps_where_there_are_no_styles(result) -> None:
    lines = _plain(print_kept, result).splitlines()
    assert lines[0].startswith("Mill & Sons: 1,200 → 300 tokens")
    assert lines[1] == "The mill [...] in 1820 [...]"
    assert lines[-1] == "<b>[red]: 34 tokens"


def test_kept_is_bold_and_dropped_is_dim_in_a_terminal(result) -> None:
    out = StringIO()
    print_kept(result, Console(file=out, force_terminal=True, color_system="standard", width=80))
    assert "\x1b[1mThe mill\x1b[0m\x1b[2m opened\x1b[0m\x1b[1m in 1820\x1b[0m" in out.getvalue()
    assert "[...]" not in out.getvalue()


def test_a_document_cannot_steer_the_terminal(result) -> None:
    result.documents[1].kept = [Span(0, len(EVIL))]
    out = _plain(print_kept, result)
    assert "\x1b" not in out
    assert "[bold red]no markup[/bold red] [/] ␛[2J end" in out
