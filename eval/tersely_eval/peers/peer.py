"""A peer's process: started, sent requests as JSON lines, ended. `peers.py` says which peers there are.

Whatever goes wrong with the process is a `PeerError`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event, Timer
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

_LONGEST_QUOTE = 80


class PeerError(RuntimeError):
    """A peer is not installed, failed, ended, hung or answered nonsense; the message says which."""


class _Line(BaseModel):
    """A line that a process may send."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PeerAnswer(_Line):
    """A peer's answer to one request.

    Attributes:
        id: the request's.
        context: the compressed documents, without the question.
        seconds: what the compression took in the peer's process, without starting it or loading its model.
        peak_bytes: the most main memory that the process had meanwhile, its model included.
    """

    id: int
    context: str
    seconds: float
    peak_bytes: int


class _Hello(_Line):
    versions: dict[str, str]


class _Failure(_Line):
    id: int | None = None
    error: str


_LineKind = TypeVar("_LineKind", bound=_Line)


class Peer:
    """A process that answers requests. It starts at the first one, and again after a request that ended it.

    A start that failed is not tried again. The process ends with this object, with `close`, or with Python.

    Args:
        command: the program and its arguments.
        variables: environment variables beside those of this process.
        start_seconds: how long it may take to say hello.
        request_seconds: how long it may take to answer a request.

    Attributes:
        versions: package -> version, as the process said when it started.
    """

    def __init__(
        self,
        command: Sequence[str],
        variables: Mapping[str, str] | None = None,
        *,
        start_seconds: float = 300.0,
        request_seconds: float = 600.0,
    ) -> None:
        self.versions: dict[str, str] = {}
        self._command = list(command)
        self._variables = dict(variables or {})
        self._start_seconds = start_seconds
        self._request_seconds = request_seconds
        self._process: _Process | None = None
        self._failed_start: str | None = None
        self._requests = 0

    def compress(
        self, documents: Sequence[str], question: str, target_tokens: int, encoding: str, recipe: str
    ) -> PeerAnswer:
        """Compress documents to `target_tokens`, or about as many where the peer counts in its own way.

        Args:
            documents: with their titles.
            question: what is asked about them.
            target_tokens: the budget.
            encoding: tiktoken's name of the tokenizer that counts it.
            recipe: the peer's way of compressing.

        Raises:
            PeerError: there is no answer.
        """
        process = self._process or self._start()
        self._requests += 1
        request = {
            "id": self._requests,
            "documents": list(documents),
            "question": question,
            "target_tokens": target_tokens,
            "encoding": encoding,
            "recipe": recipe,
        }
        answer = self._ask(process, json.dumps(request), self._request_seconds, PeerAnswer)
        if answer.id != self._requests:
            self.close()
            raise PeerError(f"answered request {answer.id} instead of {self._requests}")
        return answer

    def close(self) -> None:
        """End the process; the next request starts it anew."""
        if self._process:
            self._process.end()
        self._process = None

    def _start(self) -> _Process:
        if self._failed_start:
            raise PeerError(self._failed_start)
        try:
            self._process = _Process(self._command, self._variables)
            self.versions = self._ask(self._process, None, self._start_seconds, _Hello).versions
        except (OSError, PeerError) as error:
            self.close()
            self._failed_start = f"did not start: {error}"
            raise PeerError(self._failed_start) from None
        return self._process

    def _ask(self, process: _Process, request: str | None, seconds: float, kind: type[_LineKind]) -> _LineKind:
        """Send a request, if any, and parse the answer; a process that answers anything else is ended."""
        try:
            answer = _parse(process.exchange(request, seconds), kind)
        except BaseException:  # Ctrl-C, too: its late answer would be taken for the answer to the next request
            self.close()
            raise
        if isinstance(answer, _Failure):
            raise PeerError(answer.error)
        return answer


def _parse(line: str, kind: type[_LineKind]) -> _LineKind | _Failure:
    with suppress(ValidationError):
        return kind.model_validate_json(line)
    with suppress(ValidationError):
        return _Failure.model_validate_json(line)
    raise PeerError(f"said {line.strip()[:_LONGEST_QUOTE]!r}, which is no answer")


class _Process:
    """A running process, and a file for its standard error, since a pipe would have to be emptied all the time."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **variables},
            encoding="utf-8",
            errors="replace",
        )
        self.end = weakref.finalize(self, _end, self._process)

    def exchange(self, request: str | None, seconds: float) -> str:
        """Send a request, if any, and wait for a line; where none comes in time, the process is killed."""
        process = self._process
        assert process.stdin and process.stdout
        late = Event()

        def give_up() -> None:
            late.set()
            process.kill()  # ends the call of write or readline that hangs below

        timer = Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
        try:
            if request is not None:
                process.stdin.write(request + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        except OSError:  # a broken pipe
            line = ""
        finally:
            timer.cancel()
        if late.is_set():
            raise PeerError(f"no answer in {seconds:g} s")
        if not line:
            raise PeerError(self._how_it_ended())
        return line

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # it may have closed its output and go on
            self._process.wait(1)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no word why")
        return f"ended with exit code {self._process.returncode}: {last}"


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a process: it has nothing to save, and a long request would keep it from ending."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        with suppress(OSError):  # closing tries to write what is left, and the process is gone
            if stream:
                stream.close()
