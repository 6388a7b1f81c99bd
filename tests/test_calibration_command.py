"""The command that calibrates, and what it takes for evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calibration_examples import rows
from typer.testing import CliRunner

from tersely import Compressor
from tersely.methods.evidence.profile import profile_for, read_profile
from tersely.scoring.depth import prefix_layers
from tersely_cli.app import app
from tersely_eval.data import Question, evidence_of, read_examples


class TestEvidenceOf:
    TEXT = "The mill is old. It was sold in October 2009. It was sold in October 2009 again."

    def question(self, **fields) -> Question:
        documents = [
            {"text": " "},
            {"text": self.TEXT, "title": "Mill"},
            {"text": "Sold in October 2009, too. Not gold."},
        ]
        return Question.model_validate(
            {"id": "1", "question": "When?", "answers": ["October 2009", "in 2009"], "documents": documents, **fields}
        )

    def texts(self, question: Question) -> dict[int, list[str]]:
        return {
            position: [question.documents[position].text[span.start : span.end] for span in spans]
            for position, spans in evidence_of(question).items()
        }

    def test_is_what_somebody_marked(self) -> None:
        support = [
            {"document": 2, "text": " Not gold. "},
            {"document": 1, "text": "It was sold in October 2009."},
            {"document": 1, "text": "The mill is old. "},
        ]
        assert self.texts(self.question(support=support, gold=[1])) == {
            2: ["Not gold."],
            1: ["It was sold in October 2009.", "The mill is old."],
        }

    def test_else_the_sentences_of_gold_documents_in_which_an_answer_stands(self) -> None:
        assert self.texts(self.question(gold=[1])) == {
            1: ["It was sold in October 2009.", "It was sold in October 2009 again."]
        }
        assert self.texts(self.question(gold=[1, 2])).keys() == {1, 2}

    def test_without_gold_documents_or_where_no_answer_stands_there_is_none(self) -> None:
        assert evidence_of(self.question()) == {}
        assert evidence_of(self.question(gold=[0])) == {}
        assert evidence_of(self.question(gold=[1], answers=["1999"])) == {}

    def test_an_answer_is_compared_as_the_measures_compare(self) -> None:
        assert self.texts(self.question(gold=[1], answers=["the OLD"])) == {1: ["The mill is old."]}

    @pytest.mark.parametrize(("name", "questions"), [("hotpot", 4), ("nq20", 2)])
    def test_the_samples_have_evidence(self, name, questions) -> None:
        path = Path(__file__).parent / "data" / f"{name}-sample.jsonl"
        found = read_examples(path)
        assert (found.name, len(found.sha256), len(found.examples)) == (path.name, 64, questions)
        for one in found.examples:
            assert one.evidence
            for position, spans in one.evidence.items():
                assert all(one.documents[position].text[span.start : span.end].strip() for span in spans)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, rows())))
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


class TestCommand:
    def test_makes_a_profile_that_is_found_again(self, fresh_home, tiny_llama, data, caplog) -> None:
        done = run("--data", data, "--model", tiny_llama, "--heads", 3)
        assert done.exit_code == 0, done.stderr
        path = Path(done.stdout.strip())
        assert path.parent == fresh_home / "profiles"
        assert "questions.jsonl: " in done.stderr and "Traceback" not in done.stderr
        profile = read_profile(path)
        assert len(profile.heads) == 3 and profile.provenance.questions == 6
        assert profile.provenance.data.keys() == {"questions.jsonl"}
        assert prefix_layers(profile.fingerprint) == json.loads(path.read_text())["document_layers"]

        caplog.clear()
        compressor = Compressor(str(tiny_llama), dtype="float32")
        assert profile_for(compressor.scorer.fingerprint, compressor.scorer.name) == profile
        attend, seen = compressor.scorer.attend, []
        compressor.scorer.attend = lambda requests, heads, **options: (
            seen.extend(heads) or attend(requests, heads, **options)
        )
        result = compressor.compress(rows()[0]["documents"], "Who is in 0?", rate=0.5)
        assert result.method == "evidence" and seen == profile.head_positions
        assert [record for record in caplog.records if record.name.startswith("tersely")] == []

    def test_several_files_and_a_place_of_its_own(self, fresh_home, tiny_llama, data, tmp_path) -> None:
        other = tmp_path / "other.jsonl"
        other.write_text(data.read_text())
        out = tmp_path / "profile.json"
        done = run("-d", data, "-d", other, "--model", tiny_llama, "--heads", 0, "--out", out)
        assert done.exit_code == 0 and done.stdout == f"{out}\n"
        assert not (fresh_home / "profiles").exists()
        profile = read_profile(out)
        assert profile.fingerprint is None and profile.heads == () and profile.provenance.questions == 12
        assert profile.provenance.held_out.keys() == {"questions.jsonl", "other.jsonl"}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "Missing option '--data'"),
            (["--data", "nothere.jsonl"], "nothere.jsonl: cannot be read"),
            (["--data", "BROKEN"], "line 1: "),
            (["--data", "EMPTY"], "holds no question"),
            (["--data", "FEW", "--heads", "1"], "few.jsonl: 4 of 4 questions"),
            (["--data", "UNMARKED", "--heads", "1"], "unmarked.jsonl: 0 of 6 questions"),
            (["--data", "DATA", "--heads", "0"], "--heads 0 needs --out"),
            (["--data", "DATA", "--heads", "-1"], "--heads"),
            (["--data", "DATA", "--heads", "many"], "--heads"),
            (["--data", "DATA", "--heads", "13"], "12 attention heads, not 13"),
            (["--data", "DATA", "--out", "/no/such/folder/x.json"], "--out /no/such/folder/x.json"),
            (["--data", "DATA", "--out", "FOLDER"], "--out "),
            (["--data", "DATA", "--data", "DATA", "--heads", "1"], "questions.jsonl"),
        ],
    )
    def test_misuse_is_one_line_and_exit_code_2(self, fresh_home, tiny_llama, data, arguments, message) -> None:
        files = {"DATA": data, "FOLDER": data.parent}
        contents = {
            "BROKEN": '{"id": 1}',
            "EMPTY": "\n",
            "FEW": "\n".join(map(json.dumps, rows(4))),
            "UNMARKED": "\n".join(json.dumps({**row, "gold": []}) for row in rows()),
        }
        for name, text in contents.items():
            files[name] = data.parent / f"{name.lower()}.jsonl"
            files[name].write_text(text)
        done = run(*(files.get(argument, argument) for argument in arguments), "--model", tiny_llama)
        assert done.exit_code == 2, done.output
        assert done.stdout == ""
        assert done.stderr.startswith("tersely: ") and done.stderr.count("\n") == 1
        assert message in done.stderr
        assert not (fresh_home / "profiles").exists()

    def test_a_model_that_cannot_be_had_is_exit_code_1(self, fresh_home, data) -> None:
        done = run("--data", data, "--model", "nosuch")
        assert done.exit_code == 1
        assert done.stderr.startswith("tersely: unknown model 'nosuch'") and done.stderr.count("\n") == 1
