"""Freeze a sample of questions and the document scores llmlingua 0.2.2 gives them.

Run by hand, in an environment of its own (Python 3.11), where the library is not needed:

    pip install torch==2.13.0 && pip install llmlingua==0.2.2 transformers==4.46.3
    python benchmarks/freeze_reference.py MODEL_DIR hotpot-dev.jsonl nq20-dev.jsonl tests/data

MODEL_DIR is a Hugging Face folder with float32 weights that were first rounded to bfloat16.
transformers 4 reads `rope_theta`, not the `rope_parameters` that transformers 5 writes, so its
config.json must have both. llmlingua also wants a tiktoken vocabulary when it starts: without
a network, set TIKTOKEN_CACHE_DIR to a folder that holds it.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from llmlingua import PromptCompressor

HOTPOT = ("cceb12a", "d897bf90", "d4d99da", "97ad2f81")
NQ = ("nq-1249", "nq-417")


def copy_rows(source: Path, target: Path, endings: tuple[str, ...]) -> list[dict[str, Any]]:
    """Copy the lines whose id ends in one of these, byte for byte, and return them parsed."""
    lines = source.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["id"].endswith(endings)]
    target.write_bytes(b"".join(kept))
    return [json.loads(line) for line in kept]


def rank(peer: Any, row: dict[str, Any], mode: str = "after") -> tuple[list[float], list[int], str]:
    """Scores by document position, positions best first, and what is put after the question."""
    asked: list[str] = []
    original = peer.get_condition_ppl

    def spy(text: str, question: str, *rest: Any) -> Any:
        asked.append(question)
        return original(text, question, *rest)

    documents = [f"{d['title']}\n{d['text']}" for d in row["documents"]]
    lengths = [0] * len(documents)
    peer.get_condition_ppl = spy
    ranked = peer.get_rank_results(documents, row["question"], "longllmlingua", mode, lengths)
    peer.get_condition_ppl = original
    scores = [float(score) for _, score in sorted(ranked, key=lambda pair: pair[0])]
    return scores, [index for index, _ in ranked], asked[0].removeprefix(row["question"])


def main() -> None:
    """Read the arguments, score the sample and write the three files."""
    parser = argparse.ArgumentParser(description="Freeze llmlingua's document scores.")
    _ = [parser.add_argument(name, type=Path) for name in ("model", "hotpot", "nq", "out")]
    args = parser.parse_args()
    peer = PromptCompressor(str(args.model), "cpu", {"torch_dtype": torch.float32})
    config = json.loads((args.model / "config.json").read_text("utf-8"))
    assert peer.model.config.rope_theta == config["rope_parameters"]["rope_theta"]
    assert {p.dtype for p in peer.model.parameters()} == {torch.float32}
    copy_rows(args.nq, args.out / "nq20-sample.jsonl", NQ)
    report = {name: version(name) for name in ("llmlingua", "transformers", "torch")} | {
        "dtype": "float32",
        "model": "SmolLM2-135M-Instruct, Q4_1 weights rounded to bfloat16, held as float32",
        "document": "{title}\n{text}",
        "scored": "{document}{question}{suffix}",
        "r": "mean negative log-likelihood in nats of the tokens after the document; low is good",
    }
    rows: list[dict[str, Any]] = []
    for row in copy_rows(args.hotpot, args.out / "hotpot-sample.jsonl", HOTPOT):
        scores, order, report["suffix"] = rank(peer, row)
        rows.append({"id": row["id"], "r": [round(x, 6) for x in scores], "order": order})
    out = json.dumps(report | {"rows": rows}, indent=1) + "\n"
    (args.out / "reference_rank.json").write_text(out, "utf-8")


if __name__ == "__main__":
    main()
