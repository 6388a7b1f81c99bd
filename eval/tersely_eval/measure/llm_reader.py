"""Asks an LLM the questions, over any URL that speaks OpenAI's chat completions. The only room that spends money.

Every answer is stored on disk, so asking the same again costs nothing. `answer_scores.py` says how good answers are.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tersely import InvalidInputError, TerselyError
from tersely.scoring.models import models_folder
from tersely_eval.extra import eval_extra

if TYPE_CHECKING:
    import openai

_PUBLIC_URL = "https://api.openai.com/v1"
_INSTRUCTION = "Answer the question in as few words as possible, with nothing but the answer."
# A bound, not a length: a model that thinks before it answers needs room for that.
_LONGEST_ANSWER = 1024
_REQUESTS_AT_ONCE = 4
_SECONDS = 60.0
# Newer models refuse these and have another name for it, or none.
_INSTEAD = {"max_tokens": "max_completion_tokens", "temperature": None}
_LONGEST_REASON = 200

_logger = logging.getLogger(__name__)


class ReaderError(TerselyError, RuntimeError):
    """An LLM gave no answer. The message says why and what to do."""


class Answer(BaseModel):
    """What an LLM answered.

    Attributes:
        text: the answer, without white space around it.
        prompt_tokens, completion_tokens: as the LLM counted them; None where it did not say.
        cached: whether it was on disk, so that nothing was asked.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached: bool = False


def llm_prompt(context: str, question: str) -> str:
    """What the LLM is sent: an instruction to be brief, the context, and the question."""
    end = f"Question: {question}\nAnswer:"
    return "\n\n".join(part for part in (_INSTRUCTION, context, end) if part.strip())


def parse_reader(name: str, base_url: str | None = None) -> LLMReader:
    """The reader for a setting such as `openai:gpt-6-luna`.

    Args:
        name: `openai:` and the model's name as the server knows it.
        base_url: see `LLMReader`.

    Raises:
        InvalidInputError: it is none, or it cannot be used here (see `LLMReader`).
    """
    kind, _, model = name.partition(":")
    if kind != "openai" or not model.strip():
        raise InvalidInputError(f"reader must be openai:MODEL, such as openai:gpt-6-luna, got {name!r}")
    return LLMReader(model.strip(), base_url)


class LLMReader:
    """An LLM behind a URL, and the answers it gave before. Safe to call from several threads.

    Args:
        model: its name, as the server knows it.
        base_url: where the server is, up to and with `/v1`. By default `OPENAI_BASE_URL`, else OpenAI.
        api_key: by default `OPENAI_API_KEY`. A server of your own may need none.
        cache_folder: by default `answers` in `TERSELY_HOME`, else in your platform's cache folder.
        timeout: seconds to wait for one answer. The client asks again twice where that may help.

    Raises:
        InvalidInputError: the library openai is not installed, OpenAI is asked without a key, or the folder cannot be
            written to.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        api_key: str | None = None,
        cache_folder: str | Path | None = None,
        timeout: float = _SECONDS,
    ) -> None:
        with eval_extra():
            import openai
        self.model = model
        self.base_url = (base_url or os.environ.get("OPENAI_BASE_URL") or _PUBLIC_URL).rstrip("/")
        key = api_key or os.environ.get("OPENAI_API_KEY")
        if not key and self.base_url == _PUBLIC_URL:
            raise InvalidInputError(
                "OPENAI_API_KEY is not set: set it, or give the base URL of a server that needs no key"
            )
        self.cache_folder = Path(cache_folder) if cache_folder else models_folder().parent / "answers"
        try:
            self.cache_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInputError(
                f"cannot write to {self.cache_folder} ({error.strerror}); set TERSELY_HOME to a writable folder"
            ) from None
        self._client = openai.OpenAI(api_key=key or "none", base_url=self.base_url, timeout=timeout)
        # These options are part of an answer's key on disk; those that are sent lack what the model refused.
        self._options: dict[str, Any] = {"temperature": 0, "max_tokens": _LONGEST_ANSWER}
        self._sent = dict(self._options)

    def answer(self, prompt: str) -> Answer:
        """The answer to a prompt, from disk if it is there.

        Raises:
            ReaderError: the LLM gave none.
        """
        entry = self._entry(prompt)
        try:
            return Answer.model_validate_json(entry.read_bytes()).model_copy(update={"cached": True})
        except (OSError, ValidationError):  # not there, or no longer what was written
            answer = self._ask(prompt)
        self._store(entry, answer)
        return answer

    def answers(self, prompts: Sequence[str]) -> list[Answer | ReaderError]:
        """The answers to several prompts, in their order, a few asked at once. A failure is in its answer's place."""

        def answer_or_error(prompt: str) -> Answer | ReaderError:
            try:
                return self.answer(prompt)
            except ReaderError as error:
                return error

        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            return list(pool.map(answer_or_error, prompts))

    def _entry(self, prompt: str) -> Path:
        key = json.dumps([self.base_url, self.model, self._options, prompt], sort_keys=True)
        return self.cache_folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _store(self, entry: Path, answer: Answer) -> None:
        """Write an answer in one step, so that another process finds all of it or nothing."""
        try:
            with tempfile.TemporaryDirectory(dir=entry.parent) as folder:
                part = Path(folder, entry.name)
                part.write_text(answer.model_dump_json(exclude={"cached"}), encoding="utf-8")
                os.replace(part, entry)
        except OSError as error:  # the answer is paid for and goes on its way
            _logger.warning("an answer of %s could not be kept in %s: %s", self.model, entry.parent, error)

    def _ask(self, prompt: str) -> Answer:
        import openai

        while True:
            sent = self._sent
            try:
                reply = self._client.chat.completions.with_raw_response.create(
                    model=self.model, messages=[{"role": "user", "content": prompt}], **sent
                )
                return self._parse(reply.text)
            except openai.BadRequestError as error:
                if error.param not in sent or error.param not in _INSTEAD:
                    raise self._refused(error) from None
                self._sent = _without(sent, error.param)
            except openai.APIStatusError as error:
                raise self._refused(error) from None
            except openai.APITimeoutError:
                raise self._no_answer(f"it took longer than {self._client.timeout} s", "try again later") from None
            except openai.APIConnectionError as error:
                reason = str(error.__cause__ or error)
                raise self._no_answer(f"cannot be reached: {reason}", "check the base URL and the network") from None

    def _parse(self, reply: str) -> Answer:
        try:
            completion = _Completion.model_validate_json(reply)
        except ValidationError:
            raise self._no_answer("the reply is no chat completion", "check the base URL: it ends in /v1") from None
        choice, usage = completion.choices[0], completion.usage
        text = (choice.message.content or "").strip()
        if not text and choice.finish_reason == "length":
            raise self._no_answer(
                f"it used {_LONGEST_ANSWER} tokens before it answered", "ask a model that thinks less"
            )
        if choice.message.content is None:
            raise self._no_answer(f"there is no text in the reply ({choice.finish_reason})", "ask another model")
        return Answer(text=text, prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)

    def _refused(self, error: openai.APIStatusError) -> ReaderError:
        """What the server said, in short, and what helps."""
        helps = {
            401: "check OPENAI_API_KEY",
            403: "check what OPENAI_API_KEY may do",
            404: "check the model's name and the base URL",
            429: "wait, ask for less at once, or check your quota",
        }.get(error.status_code, "try again later" if error.status_code >= 500 else "check the model's name and limits")
        # A server may repeat a wrong key, or part of it, in its message.
        reason = "" if error.status_code in (401, 403) else f": {' '.join(error.message.split())[:_LONGEST_REASON]}"
        return self._no_answer(f"status {error.status_code}{reason}", helps)

    def _no_answer(self, reason: str, helps: str) -> ReaderError:
        return ReaderError(f"no answer from {self.model!r} at {self.base_url} ({reason}): {helps}")


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """The fields used of a reply. Not the library's own type, which takes whatever a server sends unchecked."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage = _Usage()


def _without(parameters: dict[str, Any], refused: str) -> dict[str, Any]:
    """The parameters with the refused one under its other name, if it has one."""
    rest = {name: value for name, value in parameters.items() if name != refused}
    instead = _INSTEAD[refused]
    return {**rest, instead: parameters[refused]} if instead else rest
