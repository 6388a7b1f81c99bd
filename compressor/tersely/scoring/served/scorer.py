"""A `Scorer` over a server: log-probabilities of prompts by `/v1/completions`, as vLLM's `prompt_logprobs` has them.

A server whose completions echo the prompt with its log-probabilities will do, too; the one of llama.cpp refuses `echo`
as of 2026. There is no attention to be had, so `evidence` needs a model here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import numpy as np

from tersely.errors import ModelError
from tersely.memory import Memory
from tersely.scoring.abilities import Ability
from tersely.scoring.kinds import ABILITIES
from tersely.scoring.scorer import Chain, Encoding, Head, Progress, ScoringRequest
from tersely.scoring.served.client import Client, RefusedError
from tersely.scoring.served.settings import ServedSettings, settings_from_environment
from tersely.scoring.served.spelling import offsets_of
from tersely.scoring.windows import Window, windows
from tersely.settings import CacheSettings

# Tokens; longer contexts than this cost more than they tell.
_LONGEST_WINDOW = 4096
# What comes of taking for granted how an answer is made that is made in another way.
_UNEXPECTED = (KeyError, TypeError, ValueError, AttributeError)
# About what a token of an encoding takes in memory, with its place; and what a log-probability takes with its key.
_BYTES_OF_TOKEN, _BYTES_OF_SCORE = 150, 60


class ServedScorer:
    """A `Scorer` that holds no model: a server computes.

    Args:
        model: the name that the server knows it by.
        settings: where the server is; by default what the environment says.
        cache: how much memory tokens and scores may take between calls.

    Raises:
        ModelError: the server cannot be reached, or does not serve the model.
    """

    abilities: frozenset[Ability] = ABILITIES["server"]
    supports_shallow = False
    heads: Sequence[Head] = ()

    def __init__(
        self, model: str, settings: ServedSettings | None = None, *, cache: CacheSettings | None = None
    ) -> None:
        self._settings = settings or settings_from_environment()
        self.name, self._model = f"openai:{model}", model
        self._client = Client(self._settings)
        self.context_length = self._settings.context_length or min(
            self._said_length() or _LONGEST_WINDOW, _LONGEST_WINDOW
        )
        self.fingerprint = f"{self._settings.base_url} {model}"
        self._tokenizer = _local_tokenizer(self._settings.tokenizer) if self._settings.tokenizer else None
        memory = (cache or CacheSettings()).memory_bytes // 2
        self._encodings: Memory[Encoding] = Memory(memory)
        self._scores: Memory[np.ndarray] = Memory(memory)
        self._echoes = False  # whether this server echoes prompts, because it does not know `prompt_logprobs`

    def encode(self, text: str) -> Encoding:
        """See `Scorer.encode`. Raises `ModelError` where the server does not tokenize, or in a way that is unknown."""
        known = self._encodings.get(text)
        if known is not None:
            return known
        encoding = self._tokenizer(text) if self._tokenizer else self._encode_there(text)
        self._encodings.put(text, encoding, len(encoding.tokens) * _BYTES_OF_TOKEN + len(text))
        return encoding

    def score(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> list[np.ndarray]:
        """See `Scorer.score`."""
        scores = [np.full(len(request.tokens), np.nan, dtype=np.float32) for request in requests]
        # One token is generated, for servers want one, and needs a place.
        cut = [
            window
            for number, request in enumerate(requests)
            for window in windows(number, request, self.context_length - 1)
        ]
        missing = [window for window in cut if self._scores.get(tuple(window.tokens)) is None]
        computed = self._compute([window.tokens for window in missing], progress)
        fresh = {tuple(window.tokens): values for window, values in zip(missing, computed, strict=True)}
        for window in cut:
            key = tuple(window.tokens)
            values = fresh[key] if key in fresh else self._scores.get(key)
            if values is None:  # another call has taken its place in memory
                (values,) = self._compute([window.tokens], None)
            _fill(scores[window.request], window, values)
        for key, values in fresh.items():
            self._scores.put(key, values, len(values) * _BYTES_OF_SCORE)
        return scores

    def attend(self, *arguments: object, **options: object) -> NoReturn:
        """Refused: no server returns attention."""
        raise ModelError(
            f"model {self.name!r} has no attention to give, for no server returns it; name a model that is loaded here"
        )

    def prepare(self, requests: Sequence[ScoringRequest], progress: Progress | None = None) -> None:
        """See `Scorer.prepare`: scores are remembered in memory; prefixes are the server's affair."""
        self.score([request for request in requests if request.cached == "scores"], progress)

    def chain(self, prefixes: Sequence[Sequence[int]], shallow: bool = False) -> Chain:
        """See `Scorer.chain`: what was accepted is sent with each piece."""
        return _ServedChain(self, prefixes)

    def with_depth(self, layers: int | None) -> ServedScorer:
        """The same: how a server computes is its own affair."""
        return self

    def _said_length(self) -> int | None:
        """The context length that the server states, where it does.

        Raises:
            ModelError: it does not serve the model.
        """
        served = [card for card in self._client.get("/models").get("data", []) if isinstance(card, dict)]
        card = next((card for card in served if card.get("id") == self._model), None)
        if card is None:
            names = ", ".join(str(card.get("id")) for card in served) or "none"
            raise ModelError(f"{self._settings.base_url} does not serve model {self._model!r}; it serves {names}")
        length = card.get("max_model_len")
        return int(length) if length else None

    def _encode_there(self, text: str) -> Encoding:
        body = {"model": self._model, "prompt": text, "add_special_tokens": False, "return_token_strs": True}
        try:
            answer = self._client.post_beside("/tokenize", body)
            tokens, strings = answer["tokens"], answer.get("token_strs")
        except (RefusedError, KeyError, TypeError) as error:
            raise ModelError(
                f"model {self.name!r}: its server does not tokenize as vLLM's `/tokenize` does ({error}); name its "
                f"tokenizer, a folder or Hub id, by TERSELY_SERVED_TOKENIZER"
            ) from error
        offsets = offsets_of(text, strings) if strings is not None and len(strings) == len(tokens) else None
        if offsets is None:
            raise ModelError(
                f"model {self.name!r}: the strings of its tokens do not spell the text; name its tokenizer, a folder "
                f"or Hub id, by TERSELY_SERVED_TOKENIZER"
            )
        return Encoding([int(token) for token in tokens], offsets)

    def _compute(self, prompts: Sequence[Sequence[int]], progress: Progress | None) -> list[np.ndarray]:
        """Log-probabilities of each prompt's tokens, NaN for its first; several requests at once."""
        size = self._settings.prompts
        batches = [prompts[start : start + size] for start in range(0, len(prompts), size)]
        results: list[np.ndarray] = []
        with ThreadPoolExecutor(self._settings.parallel) as pool:
            for batch in pool.map(self._complete, batches):
                results += batch
                if progress:
                    progress(len(results) / len(prompts))
        return results

    def _complete(self, prompts: Sequence[Sequence[int]]) -> list[np.ndarray]:
        body: dict[str, Any] = {
            "model": self._model,
            "prompt": [list(prompt) for prompt in prompts],
            "max_tokens": 1,
            "temperature": 0,
        }
        if not self._echoes:
            answer = self._client.post("/completions", {**body, "prompt_logprobs": 0})
            try:
                return _read(answer, prompts, _of_prompt)
            except _UNEXPECTED:
                pass  # it did not know the parameter, and left it alone
        try:
            values = _read(self._client.post("/completions", {**body, "echo": True, "logprobs": 1}), prompts, _of_echo)
        except (RefusedError, *_UNEXPECTED) as error:
            raise ModelError(
                f"model {self.name!r}: its server returns no log-probabilities of prompts ({error}); vLLM's does, by "
                f"`prompt_logprobs`"
            ) from error
        self._echoes = True
        return values


class _ServedChain:
    """A `Chain` whose conditions are sent whole, with each piece after them."""

    def __init__(self, scorer: ServedScorer, prefixes: Sequence[Sequence[int]]) -> None:
        self._scorer, self._conditions = scorer, [list(prefix) for prefix in prefixes]

    def score(self, tokens: Sequence[int]) -> np.ndarray:
        """See `Chain.score`."""
        return np.stack(self._scorer.score([ScoringRequest(tokens, condition) for condition in self._conditions]))

    def accept(self, tokens: Sequence[int]) -> None:
        """See `Chain.accept`."""
        for condition in self._conditions:
            condition.extend(tokens)


def _fill(scores: np.ndarray, window: Window, values: np.ndarray) -> None:
    scored = values[window.score_from :]
    scores[window.start : window.start + len(scored)] = scored


def _read(
    answer: Any, prompts: Sequence[Sequence[int]], read: Callable[[dict[str, Any], Sequence[int]], np.ndarray]
) -> list[np.ndarray]:
    """What the choices of an answer say of the prompts, in their order."""
    choices = sorted(answer["choices"], key=lambda choice: choice["index"])
    return [read(choice, prompt) for choice, prompt in zip(choices, prompts, strict=True)]


def _of_prompt(choice: dict[str, Any], prompt: Sequence[int]) -> np.ndarray:
    """vLLM's: for each token but the first an object from token ids to their log-probabilities."""
    values = np.full(len(prompt), np.nan, dtype=np.float32)
    for position, entry in enumerate(choice["prompt_logprobs"][: len(prompt)]):
        if entry is not None:
            values[position] = entry[str(prompt[position])]["logprob"]
    return values


def _of_echo(choice: dict[str, Any], prompt: Sequence[int]) -> np.ndarray:
    """Those of an echoed prompt: a list of numbers, with the generated token's at its end."""
    numbers = choice["logprobs"]["token_logprobs"]
    if len(numbers) < len(prompt):
        raise KeyError(f"{len(numbers)} log-probabilities for a prompt of {len(prompt)} tokens")
    return np.array([np.nan if number is None else number for number in numbers[: len(prompt)]], dtype=np.float32)


def _local_tokenizer(name: str) -> Any:
    from tersely.scoring.loading import load_tokenizer

    backend = load_tokenizer(name).backend_tokenizer
    backend.encode_special_tokens = True

    def encode(text: str) -> Encoding:
        encoding = backend.encode(text, add_special_tokens=False)
        return Encoding(encoding.ids, encoding.offsets)

    return encode
