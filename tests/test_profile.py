"""Profiles are found by fingerprint, the user's own first, and a file that is none is named."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from uuid import uuid4

import pytest

import tersely.methods.evidence.profile
from doubles import FakeScorer
from tersely import Compressor, ModelError
from tersely.methods.evidence.profile import Profile, profile_for, read_profile
from tersely.methods.evidence.signals import FIRST_HOP, SECOND_HOP
from tersely.scoring.depth import own_profile_path

SHIPPED = sorted((Path(tersely.methods.evidence.profile.__file__).parent / "profiles").glob("*.json"))
DOCUMENTS = ["The mill was built in 1820. It is old.", "Another text. It is short."]


def plain_profile(**changes) -> dict:
    return {
        "model": "fake",
        "fingerprint": "fake",
        "heads": [{"layer": 1, "head": 2, "weight": 0.5}, {"layer": 0, "head": 0, "weight": -0.25}],
        "first_hop": dict.fromkeys(FIRST_HOP, 0.5),
        "second_hop": dict.fromkeys(SECOND_HOP, 0.5),
        "provenance": {"data": {"a.jsonl": "00"}, "questions": 5, "held_out": {"a.jsonl": [0.5, 0.6]}, "made": "today"},
        **changes,
    }


def write(**changes) -> Path:
    path = own_profile_path(changes.get("fingerprint", "fake"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain_profile(**changes)), encoding="utf-8")
    return path


def test_weights_are_in_the_order_of_the_signals(fresh_home) -> None:
    weights = {name: number / 10 for number, name in enumerate(SECOND_HOP)}
    profile = read_profile(write(second_hop=dict(reversed(weights.items()))))
    assert profile.second_hop_weights.tolist() == list(weights.values())
    assert profile.first_hop_weights.tolist() == [0.5] * len(FIRST_HOP)
    assert profile.model_weights.tolist() == [0.5, -0.25]
    assert [tuple(head) for head in profile.head_positions] == [(1, 2), (0, 0)]


def test_without_heads_contrast_is_weighed(fresh_home) -> None:
    profile = read_profile(write(heads=[], contrast=0.75))
    assert profile.head_positions == [] and profile.model_weights.tolist() == [0.75]


def test_a_profile_is_found_by_its_fingerprint_whatever_the_model_is_called(fresh_home, caplog) -> None:
    write(fingerprint="other")
    write(model="mine")
    assert profile_for("fake", "any name").model == "mine"
    assert profile_for("other", "any name").fingerprint == "other"
    assert not caplog.records


def test_the_users_own_folder_wins(fresh_home) -> None:
    shipped = next(profile for profile in map(read_profile, SHIPPED) if profile.fingerprint)
    assert profile_for(shipped.fingerprint, shipped.model) == shipped
    write(fingerprint=shipped.fingerprint, model="mine")
    assert profile_for(shipped.fingerprint, shipped.model).model == "mine"


def test_own_profiles_lie_beside_the_models(fresh_home) -> None:
    assert own_profile_path("abc") == fresh_home / "profiles" / "abc.json"


def test_a_compressor_uses_the_profile_of_its_model(fresh_home, monkeypatch) -> None:
    write()
    asked = []

    class Recording(FakeScorer):
        def attend(self, requests, heads, **options):
            asked.append(list(heads))
            return super().attend(requests, heads, **options)

    Compressor(Recording()).compress(DOCUMENTS, "When was it built?", rate=0.5)
    assert asked == [[(1, 2), (0, 0)]]


def test_a_model_without_a_profile_is_told_once(fresh_home, caplog) -> None:
    class Unknown(FakeScorer):
        name = uuid4().hex  # a process warns once of each name

    compressor = Compressor(Unknown())
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            compressor.compress(DOCUMENTS, "When was it built?", rate=0.5)
            Compressor(Unknown()).compress(DOCUMENTS, "What is short?", rate=0.5)
    (record,) = [record for record in caplog.records if record.name == "tersely"]
    assert record.levelno == logging.WARNING
    message = record.getMessage()
    assert repr(Unknown.name) in message and "tersely calibrate" in message and "\n" not in message


def test_nothing_is_said_where_no_profile_is_needed(fresh_home, caplog) -> None:
    compressor = Compressor(FakeScorer())
    compressor.compress(DOCUMENTS, rate=0.5)
    compressor.compress(DOCUMENTS, "When was it built?", rate=0.5, method="longllmlingua")
    compressor.compress(DOCUMENTS, "When was it built?", rate=1.0, order="original")
    assert [record for record in caplog.records if record.name.startswith("tersely")] == []


def test_libraries_write_nothing_into_the_log_of_a_program(fresh_home) -> None:
    """A program that logs what is worth knowing (INFO) sees no inner workings of a dependency."""
    written: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = written.append
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        Compressor(FakeScorer()).compress(DOCUMENTS, "When was it built?", rate=0.5)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert [record.getMessage() for record in written if not record.name.startswith("tersely")] == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "JSON"),
        ("", "JSON"),
        ("[]", "object"),
        (json.dumps({**plain_profile(), "heads": [{"layer": 1, "head": "x", "weight": 0}]}), "heads.0.head: "),
        (json.dumps({**plain_profile(), "first_hop": {}}), f"first_hop.{FIRST_HOP[0]}: field required"),
        (json.dumps({**plain_profile(), "second_hop": {"odd": 1}}), "second_hop."),
        (json.dumps({**plain_profile(), "odd": 1}), "odd: extra inputs are not permitted"),
        (json.dumps({name: value for name, value in plain_profile().items() if name != "model"}), "model: field"),
    ],
)
def test_a_broken_file_is_named_with_the_field(fresh_home, text, named) -> None:
    path = write()
    path.write_text(text)
    with pytest.raises(ModelError) as caught:
        Compressor(FakeScorer()).compress(DOCUMENTS, "When was it built?", rate=0.5)
    message = str(caught.value)
    assert str(path) in message and named in message and "\n" not in message
    assert ": :" not in message, "no field is named where it is all of the file"
    assert "calibrate" in message


@pytest.mark.parametrize("weight", ["NaN", "Infinity", '"NaN"'])
def test_a_weight_is_a_number(fresh_home, weight) -> None:
    path = write()
    path.write_text(path.read_text().replace("-0.25", weight))
    with pytest.raises(ModelError, match=r"heads\.1\.weight"):
        read_profile(path)


def test_a_file_that_cannot_be_read_is_named(fresh_home) -> None:
    with pytest.raises(ModelError, match=r"profile .*nothere\.json: No such file"):
        read_profile(fresh_home / "nothere.json")
    own_profile_path("fake").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"fake\.json"):
        profile_for("fake", "fake")


def test_the_shipped_profiles_are_valid() -> None:
    profiles = {path.stem: read_profile(path) for path in SHIPPED}
    assert {"any-model", "smollm2-135m-instruct"} <= profiles.keys()
    of_all = profiles.pop("any-model")
    assert of_all.fingerprint is None and of_all.heads == () and of_all.contrast != 0
    assert len({profile.fingerprint for profile in profiles.values()}) == len(profiles)
    for name, profile in profiles.items():
        assert profile.model == name and profile.heads and profile.contrast == 0
        assert len(set(profile.head_positions)) == len(profile.heads)
        assert Profile.model_validate_json(profile.model_dump_json()) == profile
    for profile in (of_all, *profiles.values()):
        assert profile.provenance.questions >= 5
        assert set(profile.provenance.held_out) == set(profile.provenance.data)
        assert all(0.5 < share <= 1 for shares in profile.provenance.held_out.values() for share in shares)
        assert all(len(sha256) == 64 for sha256 in profile.provenance.data.values())


@pytest.mark.model
def test_the_embedded_model_has_a_profile(fresh_home, real_compressor, real_float32_scorer, caplog) -> None:
    fingerprint = real_compressor.scorer.fingerprint
    assert fingerprint == real_float32_scorer.fingerprint
    profile = profile_for(fingerprint, real_compressor.scorer.name)
    assert profile.fingerprint == fingerprint and profile.model == real_compressor.scorer.name
    assert set(profile.head_positions) <= set(real_compressor.scorer.heads)
    assert not caplog.records
