"""Writes `tests/data/llmlingua2_reference.json`: what llmlingua 0.2.2 makes of the tiny token classifiers of the tests.

Run it in the reference's own environment, which `make peers` makes; tokens are counted with cl100k_base:

    TIKTOKEN_CACHE_DIR=... .peers/llmlingua/bin/python benchmarks/freeze_llmlingua2.py FOLDER

FOLDER has the checkpoints, saved with Tersely's environment, whose transformers is newer:

    PYTHONPATH=tests .venv/bin/python -c "from pathlib import Path; import tiny_encoders as tiny; \
        tiny.save_bert(Path('FOLDER/bert-base-multilingual-cased')); \
        tiny.save_xlm_roberta(Path('FOLDER/xlm-roberta-large'))"

llmlingua knows a checkpoint's family by the name of its folder.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from tiny_encoders import TEXTS  # noqa: E402

# What each call asks for beside the texts: all parameters of LLMLingua-2 that change a word's probability or its fate.
CALLS: list[dict[str, Any]] = [
    {"rate": 0.5},
    {"rate": 0.25, "token_to_word": "first"},
    {"rate": 0.4, "force_tokens": ["the", "river"], "force_reserve_digit": True},
    {"rate": 0.3, "force_tokens": ["the"], "drop_consecutive": True},
    {"rate": 0.5, "use_context_level_filter": True},
    {"target_token": 60, "use_context_level_filter": True},
]


def freeze(folder: Path) -> dict[str, Any]:
    """Words, probabilities, labels and prompts of each call."""
    from llmlingua import PromptCompressor

    compressor = PromptCompressor(str(folder), device_map="cpu", use_llmlingua2=True)
    private = "_PromptCompressor__"
    merge, of_context = getattr(compressor, f"{private}token_prob_to_word_prob"), f"{private}get_context_prob"
    calls = []
    for arguments in CALLS:
        chunks: list[list[float]] = []

        def record(probabilities: Any, convert_mode: str = "mean", chunks: list[list[float]] = chunks) -> Any:
            chunks.append([float(value) for value in merge(probabilities, convert_mode=convert_mode)])
            return merge(probabilities, convert_mode=convert_mode)

        relevance: list[list[float]] = []

        def rank(*values: Any, relevance: list[list[float]] = relevance, **options: Any) -> Any:
            means, words = getattr(PromptCompressor, of_context)(compressor, *values, **options)
            relevance.append([float(mean) for mean in means])
            return means, words

        setattr(compressor, f"{private}token_prob_to_word_prob", record)
        setattr(compressor, of_context, rank)
        result = compressor.compress_prompt_llmlingua2(TEXTS, return_word_label=True, **arguments)
        calls.append(
            {
                "arguments": arguments,
                "relevance": relevance[0] if relevance else None,
                "chunks": [[round(value, 6) for value in chunk] for chunk in chunks],
                "labels": result["fn_labeled_original_prompt"].split("\t\t|\t\t"),
                "kept": result["compressed_prompt_list"],
            }
        )
    return {"calls": calls}


if __name__ == "__main__":
    folders = Path(sys.argv[1])
    frozen = {
        "versions": {name: version(name) for name in ("llmlingua", "torch", "transformers", "tokenizers")},
        "bert": freeze(folders / "bert-base-multilingual-cased"),
        "xlm-roberta": freeze(folders / "xlm-roberta-large"),
    }
    path = ROOT / "tests" / "data" / "llmlingua2_reference.json"
    path.write_text(json.dumps(frozen, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
