"""The program inside a peer's own environment: requests in, compressed contexts out, one JSON object a line.

    python -I peer_process.py PEER_FILE MODEL_FOLDER DTYPE DEVICE

It imports the peer and the standard library and nothing of Tersely, since the two need different versions of
transformers. `-I` keeps the modules of this folder, such as `llmlingua`, from hiding the peer's packages. The first
line out is a hello with the versions, once the model is loaded. The program ends when its standard input does.

    {"id", "documents", "question", "target_tokens", "encoding", "recipe"} -> {"id", "context", "seconds", "peak_bytes"}
                                                                         or {"id", "error"}
"""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from importlib.machinery import SourceFileLoader
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any


class Budget:
    """The most tokens that the context may have, for peers that can be held to it.

    Args:
        tokens: so many.
        encoding: tiktoken's name of the tokenizer that counts them.
    """

    def __init__(self, tokens: int, encoding: str) -> None:
        self.tokens = tokens
        self._name = encoding

    @cached_property
    def _encoding(self) -> Any:
        import tiktoken

        return tiktoken.get_encoding(self._name)

    def count(self, text: str) -> int:
        """The tokens of a text."""
        return len(self._encoding.encode_ordinary(text))

    def fullest(self, context: Callable[[int], str], steps: int) -> str:
        """The context of the highest step that fits, found by bisection; where it is empty, the beginning of the next.

        Args:
            context: a step -> the context, which becomes longer from step to step.
            steps: how many there are, from 0 on.
        """
        step = bisect_right(range(steps), self.tokens, key=lambda number: self.count(context(number)))
        fitting = context(step - 1) if step else ""
        return fitting or self.cut(context(min(step, steps - 1)))

    def cut(self, text: str) -> str:
        """As many words from the beginning of a text as fit."""
        ends = [0, *(match.end() for match in re.finditer(r"\S+", text))]
        if self.count(text) <= self.tokens:
            return text
        return text[: ends[bisect_right(ends, self.tokens, key=lambda end: self.count(text[:end])) - 1]]


# documents, question, budget, recipe -> the compressed documents
Compress = Callable[[list[str], str, Budget, str], str]


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the peer prints is no answer

    def write(answer: dict[str, object]) -> None:
        answers.write(json.dumps(answer) + "\n")

    file, model, dtype, device = sys.argv[1:]
    try:
        peer = _load_file(file)
        compress = peer.load(model, dtype, device)
    except Exception as error:
        write({"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    packages = [argument for call in peer.INSTALL for argument in call if not argument.startswith("-")]
    write({"versions": {"python": platform.python_version(), **{package: version(package) for package in packages}}})
    for line in sys.stdin:
        request = json.loads(line)
        write({"id": request["id"], **_answer(compress, request)})


def _load_file(path: str) -> ModuleType:
    """A peer's file as a module, under a name that hides no package."""
    spec = spec_from_loader("peer", SourceFileLoader("peer", path))
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _answer(compress: Compress, request: dict[str, Any]) -> dict[str, object]:
    reset_peak()
    start = time.perf_counter()
    try:
        budget = Budget(request["target_tokens"], request["encoding"])
        context = compress(request["documents"], request["question"], budget, request["recipe"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"context": context, "seconds": time.perf_counter() - start, "peak_bytes": peak_bytes()}


def reset_peak() -> None:
    """Begin to measure the peak that `peak_bytes` returns."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or not allowed: the peak is that of all requests so far
        pass


def peak_bytes() -> int:
    """The most main memory that this process had at once since `reset_peak`."""
    try:  # not `getrusage`, which on Linux begins with the memory of the process that started this one
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
