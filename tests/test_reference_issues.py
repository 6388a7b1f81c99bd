"""What users of microsoft/LLMLingua reported, each by its number in that project, on the embedded model."""

from __future__ import annotations

import asyncio
import re
from importlib.metadata import version
from pathlib import Path

import pytest

import tersely
from conftest import is_used_or_explained
from doubles import PassCount
from tersely import CompressionResult, InvalidInputError

pytestmark = pytest.mark.model

METHODS = pytest.mark.parametrize("method", ["evidence", "llmlingua", "longllmlingua"])
QUESTION = "When was the mill sold and for how much?"
MILL = (
    "The old mill on the river was built in 1820 by Jan de Vries. It was sold in October 2009 for 1,850,000 euros. "
    "Its new owner drives a car with the plate AB-1234-X and can be reached at owner@mill.example. "
    "In the years after, the building was turned into a museum, and the last sentence says that it is open daily."
)
OTHER = "Windmills turn when the wind blows. Water mills turn when water flows. Both have ground corn for centuries."


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[\w@.,'-]*\w", text))


@METHODS
@pytest.mark.parametrize("rate", [0.5, 0.25, 0.125])
def test_issues_195_and_105_the_rate_asked_for_is_delivered(real_compressor, hotpot, method, rate) -> None:
    result = real_compressor.compress(hotpot[0]["documents"], hotpot[0]["question"], rate=rate, method=method)
    assert result.rate <= rate and is_used_or_explained(result)


@METHODS
def test_issue_195_a_small_target_is_not_exceeded(real_compressor, method) -> None:
    assert real_compressor.compress([MILL], QUESTION, target_tokens=10, method=method).compressed_tokens <= 10


@METHODS
@pytest.mark.parametrize("words", [12, 30, 60])
def test_issues_196_and_138_short_prompts_compress(real_compressor, method, words) -> None:
    text = " ".join(MILL.split()[:words])
    result = real_compressor.compress([text], QUESTION, rate=0.5, method=method)
    assert 0 < result.compressed_tokens <= result.original_tokens / 2 or result.smallest_useful_budget


def test_issue_73_a_sentence_at_the_end_of_the_last_document_is_found(real_compressor) -> None:
    last = "It was sold in October 2009 for 1,850,000 euros."
    documents = [OTHER, f"{OTHER} " * 3, f"The old mill stands on the river. {OTHER} {OTHER} {last}"]
    result = real_compressor.compress(documents, QUESTION, rate=0.3, order="original")
    assert result.context.endswith(last)


@pytest.mark.parametrize("method", ["llmlingua", "longllmlingua"])
def test_issue_73_the_last_document_is_compressed_to_its_end(real_compressor, method) -> None:
    documents = [OTHER, MILL, f"{MILL} {OTHER} {MILL}"]
    result = real_compressor.compress(documents, QUESTION, rate=0.5, method=method, order="original")
    last = result.documents[-1]
    third = len(documents[-1]) // 3
    for begin in (0, third, 2 * third):
        kept = sum(max(0, min(end, begin + third) - max(start, begin)) for start, end in last.kept)
        assert 0.1 * third < kept < 0.9 * third


def test_issues_210_and_246_current_transformers(real_compressor) -> None:
    assert int(version("transformers").split(".")[0]) >= 5
    assert real_compressor.compress([MILL], QUESTION, rate=0.5).context


@METHODS
@pytest.mark.parametrize("rate", [0.8, 0.5, 0.3, 0.15])
def test_issues_93_and_213_no_word_or_number_is_cut(real_compressor, method, rate) -> None:
    result = real_compressor.compress([MILL, OTHER], QUESTION, rate=rate, method=method)
    assert words_of(result.context) <= words_of(f"{MILL} {OTHER}")
    assert ("October" in result.context) == ("October 2009" in result.context)


def test_issue_213_the_last_sentence_can_be_kept(real_compressor) -> None:
    last = "it is open daily"
    result = real_compressor.compress([{"text": MILL, "keep_passages": [last]}], QUESTION, rate=0.3)
    assert last in result.context


@METHODS
def test_issue_114_text_marked_to_stay_stays(real_compressor, method) -> None:
    marked = "AB-1234-X  and\tcan be"
    document = {"text": MILL.replace("AB-1234-X and can be", marked), "keep_passages": [marked]}
    result = real_compressor.compress([OTHER, document], QUESTION, rate=0.3, method=method, protect=[r"\d,\d{3},\d{3}"])
    assert marked in result.context and "1,850,000" in result.context


def test_issue_14_and_lightmem_12_odd_contexts_give_a_clear_result_or_a_clear_error(real_compressor) -> None:
    result = real_compressor.compress(["", "  "], QUESTION, rate=0.5)
    assert (result.context, len(result.skipped), result.original_tokens) == ("", 2, 0)
    assert CompressionResult.model_validate_json(result.model_dump_json()) == result
    with pytest.raises(InvalidInputError, match="documents is empty"):
        real_compressor.compress([], QUESTION, rate=0.5)
    odd_json = '{"a":[],"b":{},"c":"' + "x" * 30 + '","d":[[[]]]}'
    assert real_compressor.compress([odd_json, MILL], QUESTION, rate=0.5).compressed_tokens > 0


def test_issues_147_64_and_175_passes_are_linear_in_the_text(real_compressor, monkeypatch) -> None:
    """Counts the tokens that the model computes for a text and for one four times as long."""
    computed: list[int] = []
    passes = PassCount(monkeypatch)
    for repetitions in (2, 8):
        real_compressor.scorer.cache.forget()
        before = passes.tokens
        real_compressor.compress([f"{i} {MILL} {OTHER}" for i in range(repetitions)], QUESTION, rate=0.5)
        computed.append(passes.tokens - before)
    assert 0 < computed[0] < computed[1] <= 4.5 * computed[0]


def test_no_foreign_code_is_run() -> None:
    """The reference evaluates a settings string and trusts remote code by default."""
    forbidden = re.compile(r"(?<!\.)\b(eval|exec)\(|trust_remote_code=True|\bpickle\b|torch\.load\(")
    sources = list(Path(tersely.__file__).parent.rglob("*.py"))
    assert len(sources) > 20
    assert [str(source) for source in sources if forbidden.search(source.read_text())] == []


def test_asyncio_callers_are_served(real_compressor) -> None:
    async def both() -> list[CompressionResult]:
        return await asyncio.gather(*(real_compressor.acompress([MILL], QUESTION, rate=0.5) for _ in range(2)))

    first, second = asyncio.run(both())
    assert first.context == second.context
