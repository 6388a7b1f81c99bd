"""`tersely models doctor` says which methods a model serves and why; a known licence is told once, when it matters."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import tiny_encoders
import tiny_pruners
from served_double import ServedDouble, running
from tokenizers import Tokenizer
from typer.testing import CliRunner

from tersely import DEFAULT_MODEL, ModelError
from tersely.scoring import hub
from tersely.scoring.causal_lm import CausalLanguageModelScorer
from tersely_cli.app import app


def doctor(name: str | Path) -> tuple[list[str], dict[str, tuple[str, str]]]:
    """The lines before the table, and the table: method -> whether it serves, and why."""
    result = CliRunner().invoke(app, ["models", "doctor", str(name)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("evidence"))
    rows = [line.split(maxsplit=2) for line in lines[first:]]
    return lines[:first], {method: (answer, why) for method, answer, why in rows}


def test_each_kind_of_model_serves_its_methods(tiny_llama: Path, tmp_path: Path) -> None:
    served = {
        DEFAULT_MODEL: {"evidence", "salience", "longllmlingua", "llmlingua"},
        tiny_llama: {"evidence", "salience", "longllmlingua", "llmlingua"},
        tiny_encoders.save_bert(tmp_path / "bert"): {"salience", "llmlingua2"},
        tiny_encoders.save_xlm_roberta(tmp_path / "xlm"): {"salience", "llmlingua2"},
        **{save(tmp_path / name): {"salience", "pruner"} for name, save in tiny_pruners.PRUNERS.items()},
    }
    for name, methods in served.items():
        _, table = doctor(name)
        assert {method for method, (answer, _) in table.items() if answer == "yes"} == methods, name
        assert table["salience"] == ("yes", "asks no model")
        assert all(why.startswith("needs ") for answer, why in table.values() if answer == "no")


def test_it_says_why(tmp_path: Path) -> None:
    (first, *_), table = doctor(tiny_encoders.save_bert(tmp_path / "bert"))
    assert first.endswith(
        "is a token classifier: config.json has architectures BertForTokenClassification and model_type bert"
    )
    assert table["llmlingua2"] == ("yes", "the model gives token labels")
    assert "needs attention: a causal language model that is loaded here" in table["evidence"][1]


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"architectures": ["BertModel"], "model_type": "bert"}, "it is no causal language model, no token classifier"),
        (
            {
                "architectures": ["BertForTokenClassification"],
                "model_type": "bert",
                "id2label": {"0": "O", "1": "B", "2": "I"},
            },
            "it has 3 labels",
        ),
        (
            {"architectures": ["DistilBertForTokenClassification"], "model_type": "distilbert"},
            "its encoder is of the family 'distilbert'; known are bert, xlm-roberta",
        ),
        (
            {"model_type": "open_provence", "base_model_config": {"model_type": "electra"}},
            "its encoder is of the family 'electra'",
        ),
    ],
)
def test_it_says_what_is_wrong(configuration: dict[str, object], problem: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(configuration))
    lines, table = doctor(tmp_path)
    assert any(line.startswith(f"problem: {problem}") for line in lines)
    assert [method for method, (answer, _) in table.items() if answer == "yes"] == ["salience"]


def test_a_served_model_is_asked_for(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = CausalLanguageModelScorer(str(tiny_llama), dtype="float32", device="cpu")
    with running(ServedDouble(scorer, Tokenizer.from_file(str(tiny_llama / "tokenizer.json")))) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        _, table = doctor("openai:tiny")
        missing = CliRunner().invoke(app, ["models", "doctor", "openai:other"])
    assert {method for method, (answer, _) in table.items() if answer == "yes"} == {
        "salience",
        "longllmlingua",
        "llmlingua",
    }
    assert "does not serve model 'other'" in missing.output + str(missing.exception)


def test_a_folder_without_a_configuration_is_an_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "doctor", str(tmp_path)])
    assert result.exit_code != 0 and "no config.json" in result.output + str(result.exception)


def test_a_known_licence_is_logged_once_when_the_model_is_fetched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import huggingface_hub

    def unreachable(*arguments: object, **options: object) -> str:
        raise OSError("no network in this test")

    monkeypatch.setitem(hub.LICENCES, "a/pruner", "CC BY-NC 4.0: no commercial use")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            with pytest.raises(ModelError, match=r"'a/pruner' cannot be had from the Hugging Face Hub \(no network"):
                hub.hub_file("a/pruner", "config.json")
            with pytest.raises(ModelError, match="cannot be had"):
                hub.hub_folder("a/pruner")
    assert [record.getMessage() for record in caplog.records] == [
        "fetching a/pruner, which comes under a licence of its own: CC BY-NC 4.0: no commercial use"
    ]


def test_a_model_that_is_here_already_tells_no_licence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    import huggingface_hub

    monkeypatch.setitem(hub.LICENCES, "a/cached-pruner", "CC BY-NC 4.0")
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: str(tmp_path / "config.json"))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    assert hub.hub_file("a/cached-pruner", "config.json") == tmp_path / "config.json"
    assert hub.hub_folder("a/cached-pruner") == tmp_path
    assert not caplog.records
