"""A model behind a server scores as the same model does here; time-outs, retries, refusals, and what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from served_double import ServedDouble, running
from tokenizers import Tokenizer

from tersely import Compressor, InvalidInputError, ModelError, shared_compressor
from tersely.scoring import load_scorer
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely.scoring.scorer import ScoringRequest
from tersely.scoring.served.scorer import ServedScorer
from tersely.scoring.served.settings import ServedSettings, settings_from_environment
from tersely.scoring.served.spelling import offsets_of

pytest.importorskip("httpx")

TEXTS = ["The mill was sold in 2009.", "Wind turns the “sails” — all day, 日本 too.", "A baker bought it."]


@pytest.fixture(scope="module")
def local(tiny_llama: Path) -> CausalLanguageModelScorer:
    return CausalLanguageModelScorer(str(tiny_llama), dtype="float32", device="cpu")


@pytest.fixture
def server(local: CausalLanguageModelScorer, tiny_llama: Path) -> Iterator[ServedDouble]:
    with running(ServedDouble(local, Tokenizer.from_file(str(tiny_llama / "tokenizer.json")))) as double:
        yield double


def served(server: ServedDouble, **settings: object) -> ServedScorer:
    return ServedScorer("tiny", ServedSettings.model_validate({"base_url": server.url, "backoff": 0, **settings}))


def test_it_encodes_as_the_model_does(server: ServedDouble, local: CausalLanguageModelScorer) -> None:
    scorer = served(server)
    for text in [*TEXTS, "", " ", "\n<|end|>"]:
        assert scorer.encode(text) == local.encode(text)


def test_scores_are_those_of_the_model(server: ServedDouble, local: CausalLanguageModelScorer) -> None:
    scorer = served(server, prompts=2)
    tokens = [local.encode(text).tokens for text in TEXTS]
    requests = [
        ScoringRequest(tokens[0]),
        ScoringRequest(tokens[1], tokens[2]),
        ScoringRequest(tokens[2], tokens[0][:9]),
    ]
    shares: list[float] = []
    for ours, theirs in zip(scorer.score(requests, shares.append), local.score(requests), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert scorer.context_length == 65 and shares[-1] == 1 and shares == sorted(shares)
    assert max(len(body["prompt"]) for body in server.bodies) == 2
    assert all(body["prompt_logprobs"] == 0 and body["max_tokens"] == 1 for body in server.bodies)


def test_a_text_longer_than_the_context_is_scored_in_windows(server: ServedDouble) -> None:
    scorer = served(server)
    tokens = scorer.encode(" ".join(TEXTS)).tokens * 3
    (scores,) = scorer.score([ScoringRequest(tokens, tokens[:3])])
    assert len(scores) == len(tokens) and not np.isnan(scores).any()


def test_a_chain_is_that_of_the_model(server: ServedDouble, local: CausalLanguageModelScorer) -> None:
    tokens = [local.encode(text).tokens[:15] for text in TEXTS]
    chains = [scorer.chain([tokens[0][:4], tokens[2][:6]]) for scorer in (served(server), local)]
    for piece in tokens:
        ours, theirs = (chain.score(piece) for chain in chains)
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        for chain in chains:
            chain.accept(piece[:7])


@pytest.mark.parametrize("method", ["longllmlingua", "llmlingua"])
def test_a_compression_is_that_of_the_model(
    server: ServedDouble, local: CausalLanguageModelScorer, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a window of the same size, since the server keeps a place for the token that it generates; and short, since
    # a chain that is longer than the window is cut in another place.
    monkeypatch.setattr(local, "context_length", 64)
    ours, theirs = (
        Compressor(scorer, tokenizer="o200k_base").compress(
            ["The mill was old.", "Wind turns it.", "A baker came."], "Who?", rate=0.6, method=method
        )
        for scorer in (served(server), local)
    )
    assert ours.context == theirs.context and ours.model == "openai:tiny"


def test_what_was_computed_is_not_asked_for_again(server: ServedDouble) -> None:
    compressor = Compressor(served(server))
    first = compressor.compress(TEXTS, "Who bought it?", rate=0.6)
    asked = len(server.bodies)
    assert first.method == "longllmlingua" and asked
    assert compressor.compress(TEXTS, "Who bought it?", rate=0.6).context == first.context
    assert len(server.bodies) == asked


def test_evidence_says_why_it_needs_a_model_here(server: ServedDouble) -> None:
    with pytest.raises(InvalidInputError, match=r"'evidence' needs .*'openai:tiny'.*no server returns attention"):
        Compressor(served(server)).compress(TEXTS, "Who?", rate=0.5, method="evidence")
    with pytest.raises(ModelError, match="no server returns it"):
        served(server).attend([], [])


def test_it_asks_again_where_there_is_no_answer_in_time(server: ServedDouble) -> None:
    scorer = served(server, timeout=0.3, retries=2)
    server.silent = 2
    assert len(scorer.encode(TEXTS[0]).tokens) == len(TEXTS[0])
    server.silent = 3
    with pytest.raises(ModelError, match=r"gave no answer in 3 tries \(ReadTimeout.*TERSELY_SERVED_TIMEOUT"):
        scorer.encode(TEXTS[1])


def test_it_asks_again_where_the_server_is_busy(server: ServedDouble) -> None:
    scorer = served(server, retries=2)
    server.failures = [503, 429]
    assert scorer.encode(TEXTS[0]).tokens
    server.failures = [500, 502, 503]
    with pytest.raises(ModelError, match=r"503: .*the engine is busy"):
        scorer.score([ScoringRequest([1, 2, 3])])
    server.failures = [401]  # asking again would not help
    with pytest.raises(ModelError, match="401"):
        served(server)
    assert server.failures == []


def test_documents_survive_a_server_that_is_gone(server: ServedDouble) -> None:
    compressor = Compressor(served(server, retries=0))
    server.failures = [500] * 9
    documents = list(TEXTS)
    with pytest.raises(ModelError):
        compressor.compress(documents, "Who?", rate=0.5)
    assert documents == TEXTS


def test_a_server_that_echoes_prompts_will_do(server: ServedDouble, local: CausalLanguageModelScorer) -> None:
    server.knows = {"echo", "tokenize"}
    scorer = served(server)
    request = ScoringRequest(local.encode(TEXTS[0]).tokens, local.encode(TEXTS[2]).tokens)
    np.testing.assert_allclose(scorer.score([request])[0], local.score([request])[0], atol=1e-4)
    scorer.score([ScoringRequest([5, 6, 7])])
    assert [("prompt_logprobs" in body, "echo" in body) for body in server.bodies] == [
        (True, False),
        *[(False, True)] * 2,
    ]


def test_a_server_without_log_probabilities_of_prompts_is_refused(server: ServedDouble) -> None:
    server.knows = {"tokenize"}
    with pytest.raises(ModelError, match=r"returns no log-probabilities of prompts.*no echo.*vLLM's does"):
        served(server).score([ScoringRequest([1, 2, 3])])


def test_a_tokenizer_of_ones_own_serves_where_the_server_has_none(
    server: ServedDouble, local: CausalLanguageModelScorer, tiny_llama: Path
) -> None:
    server.knows = {"prompt_logprobs"}
    with pytest.raises(ModelError, match=r"does not tokenize.*TERSELY_SERVED_TOKENIZER"):
        served(server).encode(TEXTS[0])
    assert served(server, tokenizer=str(tiny_llama)).encode(TEXTS[1]) == local.encode(TEXTS[1])


def test_it_is_loaded_by_name(server: ServedDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ModelError, match="set OPENAI_BASE_URL"):
        load_scorer("openai:tiny")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    compressor = shared_compressor("openai:tiny")
    assert compressor.scorer.name == "openai:tiny" and server.headers["Authorization"] == "Bearer a-key"
    with pytest.raises(ModelError, match="does not serve model 'other'; it serves tiny"):
        load_scorer("openai:other")


def test_settings_from_the_environment_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    monkeypatch.setenv("TERSELY_SERVED_TIMEOUT", "7.5")
    settings = settings_from_environment()
    assert (settings.base_url, settings.timeout) == ("http://127.0.0.1:9/v1", 7.5)
    monkeypatch.setenv("TERSELY_SERVED_TIMEOUT", "soon")
    with pytest.raises(ModelError, match="timeout"):
        settings_from_environment()
    with pytest.raises(ValidationError, match="must begin with http"):
        ServedSettings(base_url="localhost:8000")


def test_a_key_is_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    monkeypatch.setenv("TERSELY_SERVED_RETRIES", "-1")
    with pytest.raises(ModelError) as raised:
        settings_from_environment()
    assert "s3cret" not in str(raised.value) and "retries" in str(raised.value)
    with pytest.raises(ModelError) as raised:
        ServedScorer("tiny", ServedSettings(base_url="http://127.0.0.1:9/v1", api_key="s3cret", retries=0))
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "tokens", "offsets"),
    [
        ("a é", ["a", "ĠÃ©"], [(0, 1), (1, 3)]),
        ("é!", ["Ã", "©", "!"], [(0, 1), (0, 1), (1, 2)]),
        ("The é", ["▁The", "▁é"], [(0, 3), (3, 5)]),
        ("日", ["▁", "<0xE6>", "<0x97>", "<0xA5>"], [(0, 0), (0, 1), (0, 1), (0, 1)]),
        ("a b", ["▁a", "▁c"], None),
        ("", [], []),
    ],
)
def test_the_strings_of_tokens_say_where_they_stand(
    text: str, tokens: list[str], offsets: list[tuple[int, int]] | None
) -> None:
    assert offsets_of(text, tokens) == offsets
