"""Writes `tests/data/pruners_reference.json`: what the published code makes of the tiny pruners of the tests.

Run it in an environment of its own, in which no Tersely is:

    pip install torch==2.13.0 && pip install transformers==4.57.1 nltk
    python benchmarks/freeze_pruners.py CHECKPOINTS CODE

CODE has `modeling_open_provence_standalone.py` of hotchpotch/open_provence (commit 9635cbc), and of naver/bergen
`modeling_provence.py` and `modeling_xprovence.py` (pull request 49). CHECKPOINTS has a folder for each of
`tiny_pruners.PRUNERS`, saved with Tersely's environment, whose transformers is newer:

    PYTHONPATH=tests .venv/bin/python -c "import tiny_pruners as tiny; from pathlib import Path; \
        [save(Path('CHECKPOINTS') / name) for name, save in tiny.PRUNERS.items()]"
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoTokenizer, DebertaV2Config, XLMRobertaConfig
from transformers.models.deberta_v2 import modeling_deberta_v2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from tiny_pruners import PASSAGES, QUESTION  # noqa: E402


def open_provence(folder: Path) -> list[dict[str, Any]]:
    """By its own class, through its own tokenisation."""
    from modeling_open_provence_standalone import OpenProvenceModel

    model = OpenProvenceModel.from_pretrained(str(folder), device="cpu").eval()
    answers = []
    for text in PASSAGES:
        raw = model.get_raw_predictions(QUESTION, [text])
        ((start, end),) = raw.context_ranges
        # Its ranges count a closing separator to the question's part, too: they begin and end a token late.
        probabilities = raw.pruning_probs[start - 1 : end - 1]
        answers.append({"probabilities": probabilities, "ranking_score": raw.ranking_score})
    return answers


def bergen(folder: Path, model: nn.Module) -> list[dict[str, Any]]:
    """By the classes that Provence and XProvence were trained with; tokens as their training joins them."""
    missing = model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    assert not missing.unexpected_keys and all("position_ids" in name for name in missing.missing_keys), missing
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    question = " ".join("".join(sign for sign in QUESTION.lower() if sign.isalnum() or sign.isspace()).split())
    answers = []
    for text in PASSAGES:
        asked, read = tokenizer.tokenize(question), tokenizer.tokenize(text)
        tokens = [tokenizer.cls_token, *asked, tokenizer.sep_token, *read, tokenizer.sep_token]
        ids = torch.tensor([tokenizer.convert_tokens_to_ids(tokens)])
        with torch.no_grad():
            output = model.eval()(input_ids=ids, attention_mask=torch.ones_like(ids))
        first = len(asked) + 2
        probabilities = output.compression_logits.softmax(-1)[0, first : first + len(read), 1].numpy()
        answers.append({"probabilities": probabilities, "ranking_score": float(output.ranking_scores)})
    return answers


def plain(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Answers as JSON has them."""
    return [
        {
            "probabilities": [round(float(value), 6) for value in answer["probabilities"]],
            "ranking_score": round(float(answer["ranking_score"]), 6),
        }
        for answer in answers
    ]


def main(checkpoints: Path, code: Path) -> None:
    """Run all of them."""
    sys.path.insert(0, str(code))
    # The published code takes it from where transformers had it then; at inference it does nothing.
    setattr(modeling_deberta_v2, "StableDropout", nn.Dropout)  # noqa: B010  # no type knows it any more
    from modeling_provence import DebertaV2ForCompressionAndRanking
    from modeling_xprovence import XLMRobertaForCompressionAndRanking

    def values(name: str) -> dict[str, Any]:
        own = json.loads((checkpoints / name / "config.json").read_text(encoding="utf-8"))
        return {key: value for key, value in own.items() if key not in ("model_type", "architectures", "dtype")}

    provence = DebertaV2ForCompressionAndRanking(DebertaV2Config(**{**values("provence"), "num_labels": 1}))
    xprovence = XLMRobertaForCompressionAndRanking(XLMRobertaConfig(**{**values("xprovence"), "num_labels": 1}))
    frozen = {
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
        "open-provence-deberta": plain(open_provence(checkpoints / "open-provence-deberta")),
        "open-provence-modernbert": plain(open_provence(checkpoints / "open-provence-modernbert")),
        "provence": plain(bergen(checkpoints / "provence", provence)),
        "xprovence": plain(bergen(checkpoints / "xprovence", xprovence)),
    }
    path = ROOT / "tests" / "data" / "pruners_reference.json"
    path.write_text(json.dumps(frozen, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
