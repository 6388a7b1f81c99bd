"""What kept words look like: joined, and with a mark where something was left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doubles import FakeScorer
from tersely import CompressionResult, CompressionSettings, Compressor, Document, InvalidInputError
from tersely.budget.rendering import Marks, document_text, kept_spans, render_context
from tersely.methods import methods_of
from tersely.settings import settings_from
from tersely.text.segmentation import segment_documents

MARKERS = ["…", " [...] ", "\n[cut]\n"]


def rendered(text: str, keep: str, gap_marker: str | None = None, **fields) -> str:
    """The text when the words stay that `keep` has, separated by white space."""
    (segmented,) = segment_documents([(0, Document(text=text, **fields))])
    wanted = keep.split()
    kept = np.array([text[word.start : word.end] in wanted for word in segmented.words])
    return render_context([segmented], [kept], [0], Marks(gap_marker))


@pytest.mark.parametrize(
    ("text", "keep", "bare", "marked"),
    [
        ("a b c d", "a c d", "a c d", "a [...] c d"),
        ("a b c d", "b c", "b c", "[...] b c [...]"),
        ("a b c d", "a b c d", "a b c d", "a b c d"),
        ("a b c d", "", "", ""),
        ("a b\nc d", "a d", "a\nd", "a\n[...]\nd"),
        ("a\nb\n\nc", "b", "b", "[...]\nb\n[...]"),
        ("a\n\nb\n\nc", "a c", "a\n\nc", "a\n\n[...]\nc"),
        ("首。都。东。", "首。 东。", "首。东。", "首。 [...] 东。"),
        ("  a b  ", "a b", "  a b  ", "  a b  "),
    ],
)
def test_a_mark_stands_where_something_is_missing(text, keep, bare, marked) -> None:
    assert rendered(text, keep) == bare
    assert rendered(text, keep, " [...] ") == marked


def test_a_mark_without_white_space_of_its_own() -> None:
    assert rendered("a b c d e", "b d", "…") == "…b… d…"
    assert rendered("a b c", "b c", "…", title="Title") == "Title\n…b c"


def test_protected_white_space_is_not_touched() -> None:
    (segmented,) = segment_documents([(0, Document(text="one  KEEP\t two", keep_passages=("  KEEP\t ",)))])
    kept = np.array([word.protected for word in segmented.words])
    assert document_text(segmented, kept, Marks(" [...] ")) == "[...]   KEEP\t  [...]"


@settings(deadline=None)
@given(st.text("ab .\n中。", max_size=60), st.data(), st.sampled_from([None, *MARKERS]))
def test_without_the_marks_the_text_is_the_spans(text, data, gap_marker) -> None:
    text = f"{text} ."
    (segmented,) = segment_documents([(0, Document(text=text))])
    size = len(segmented.words)
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    joined = "".join(text[start:end] for start, end in kept_spans(segmented, kept))
    found = document_text(segmented, kept, Marks(gap_marker))
    if gap_marker is None:
        assert found == joined
    else:
        mark = gap_marker.strip()
        assert "".join(found.replace(mark, "").split()) == "".join(joined.split())
        gaps = int(np.count_nonzero(np.diff(np.concatenate([[True], kept, [True]]).astype(int)) == -1))
        assert found.count(mark) == (gaps if kept.any() else 0)


COMPRESSOR = Compressor(FakeScorer(), tokenizer="o200k_base")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(["alpha beta.", "# Head\n\n", "- one\n", "gamma", "日本語。", "\n\n"]), max_size=40),
    st.integers(1, 80),
    st.sampled_from(MARKERS),
    st.sampled_from(methods_of(FakeScorer())),
)
def test_a_compressed_context_with_marks(parts, target, gap_marker, method) -> None:
    documents = [f"alpha {' '.join(parts)} omega", "Another document, of many other words, that is long enough."]
    result = COMPRESSOR.compress(
        documents,
        "What is alpha?",
        target_tokens=target,
        settings=CompressionSettings(gap_marker=gap_marker, method=method),
    )
    assert COMPRESSOR.tokenizer.count(result.context) == result.compressed_tokens <= target
    assert CompressionResult.model_validate_json(result.model_dump_json()) == result
    assert "\n\n".join(one.text for one in result.documents if one.kept) == result.context
    for one in result.documents:
        kept = "".join("".join(one.document.text[start:end] for start, end in one.kept).split())
        assert "".join(one.text.replace(gap_marker.strip(), "").split()) == kept
        assert (gap_marker.strip() in one.text) == bool(kept and kept != "".join(one.document.text.split()))


def test_an_answer_is_recovered_from_a_context_with_marks(fake_compressor) -> None:
    text = "The bridge was opened by the then mayor, Anna van der Berg, on a Monday."
    result = fake_compressor.compress(
        [{"text": text, "keep_passages": ["Anna", "Berg"]}],
        target_tokens=fake_compressor.tokenizer.count("[...] Anna [...] Berg, [...]"),
        settings=CompressionSettings(gap_marker=" [...] "),
    )
    assert "Anna [...] Berg" in result.context
    for answer in ("It was Anna Berg.", "It was Anna [...] Berg."):
        assert "Anna van der Berg" in result.recover(answer).text


@pytest.mark.parametrize("marker", ["", "a\0b", 5, "\ud800"])
def test_a_mark_that_no_tokenizer_can_read_is_refused(marker) -> None:
    with pytest.raises(InvalidInputError, match="gap_marker"):
        settings_from({"rate": 0.5, "gap_marker": marker})
