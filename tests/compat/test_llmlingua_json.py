"""JSON objects, shortened key by key: always valid JSON, and a clear error for what is none."""

from __future__ import annotations

import json
import warnings
from datetime import date

import pytest
import tiktoken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tersely import InvalidInputError
from tersely.compat.llmlingua import PromptCompressor

BIOGRAPHY = (
    "Ada Smith was born in York in 1985. She is an engineer with more than ten years of work behind her. She plays the "
    "piano. At the mill company she led a team of twelve people and wrote a program that says when grain will be dear."
)
DATA = {
    "id": 987654,
    "name": "Ada Smith",
    "skills": ["Java", "Python", "machine learning", "cloud computing", "bread"],
    "biography": BIOGRAPHY,
}


def about(rate: float, value_type: str, compress: bool = True, pair_remove: bool = True) -> dict:
    return {"rate": rate, "compress": compress, "value_type": value_type, "pair_remove": pair_remove}


CONFIG = {
    "id": about(1, "int", compress=False),
    "name": about(0.7, "str", compress=False, pair_remove=False),
    "skills": about(0.2, "list"),
    "biography": about(0.3, "str"),
}


def count(text: str) -> int:
    return len(tiktoken.get_encoding("cl100k_base").encode_ordinary(text))


@pytest.fixture
def prompt_compressor(fake_model) -> PromptCompressor:
    return PromptCompressor()


def test_the_references_own_pattern(prompt_compressor) -> None:
    before = json.dumps(DATA)
    result = prompt_compressor.compress_json(DATA, CONFIG, use_keyvalue_level_filter=True)
    assert list(result) == ["compressed_prompt", "origin_tokens", "compressed_tokens", "ratio", "rate", "saving"]
    short = result["compressed_prompt"]
    assert list(short) == list(DATA) and (short["id"], short["name"]) == (987654, "Ada Smith")
    assert 0 < len(short["skills"]) < 5 and set(" ".join(short["skills"]).split()) <= set(
        " ".join(DATA["skills"]).split()
    )
    assert 0 < count(short["biography"]) <= 0.3 * count(BIOGRAPHY)
    assert result["origin_tokens"] == count(json.dumps(DATA)) and result["compressed_tokens"] == count(
        json.dumps(short)
    )
    assert json.dumps(DATA) == before


def test_a_yaml_file_says_the_same(prompt_compressor, tmp_path) -> None:
    import yaml

    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    expected = prompt_compressor.compress_json(DATA, CONFIG)
    assert prompt_compressor.compress_json(DATA, str(path)) == prompt_compressor.compress_json(DATA, path) == expected


def test_pairs_go_only_where_that_is_asked_for_and_allowed(prompt_compressor) -> None:
    short = prompt_compressor.compress_json(DATA, CONFIG, use_keyvalue_level_filter=True, target_token=12)
    assert "name" in short["compressed_prompt"] and len(short["compressed_prompt"]) < 4
    kept = {key: {**one, "pair_remove": False} for key, one in CONFIG.items()}
    short = prompt_compressor.compress_json(DATA, kept, use_keyvalue_level_filter=True, target_token=12)
    assert list(short["compressed_prompt"]) == list(DATA)
    with pytest.warns(UserWarning, match="no effect: target_token$"):
        short = prompt_compressor.compress_json(DATA, CONFIG, target_token=12)
    assert list(short["compressed_prompt"]) == list(DATA)


def test_no_more_pairs_go_than_must(prompt_compressor) -> None:
    data = {f"key {i}": f"value {i}" for i in range(9)}
    config = {key: about(1, "str") for key in data}
    result = prompt_compressor.compress_json(data, config, use_keyvalue_level_filter=True, rate=0.7)
    assert 0.55 * result["origin_tokens"] < result["compressed_tokens"] <= 0.7 * result["origin_tokens"]


@pytest.mark.parametrize(
    ("value", "value_type", "expected"),
    [
        (12, "int", 12),
        ("12", "integer", 12),
        ("1.5", "number", 1.5),
        (10**400, "int", 10**400),
        (2, "float", 2.0),
        (2.0, "int", 2),
        (True, "bool", True),
        ("false", "boolean", False),
        ([], "list", []),
        ({}, "dict", {}),
        ("", "str", ""),
        ("  ", "string", "  "),
        (["", " "], "list", ["", " "]),
        (None, "str", "None"),
        ((), "tuple", []),
    ],
)
def test_what_is_no_text_stays_whole(prompt_compressor, value, value_type, expected) -> None:
    result = prompt_compressor.compress_json({"key": value}, {"key": about(0.3, value_type)})
    assert result["compressed_prompt"] == {"key": expected}


def test_entries_of_lists_and_objects_are_shortened_or_left_out(prompt_compressor) -> None:
    data = {"list": [BIOGRAPHY, 5, {"a": [1]}, None, ""], "dict": {"a": BIOGRAPHY, "b": BIOGRAPHY[:40], "c": 7}}
    config = {"list": about(0.5, "list"), "dict": about(0.5, "dict")}
    short = prompt_compressor.compress_json(data, config)["compressed_prompt"]
    for kept in short["list"]:
        assert kept in data["list"] or set(kept.split()) < set(BIOGRAPHY.split())
    for key, kept in short["dict"].items():
        assert kept == data["dict"][key] or set(kept.split()) < set(data["dict"][key].split())


def test_an_empty_object_is_an_empty_object(prompt_compressor) -> None:
    result = prompt_compressor.compress_json({}, {}, use_keyvalue_level_filter=True)
    assert (result["compressed_prompt"], result["ratio"], result["rate"]) == ({}, "1.0x", "100.0%")


def test_quotes_tags_and_commas_in_values_are_just_text(prompt_compressor) -> None:
    value = 'He said "a,, b", <llmlingua> and "c"\\n. ' * 5
    config = {"key": about(0.5, "str"), 'k"ey': about(1, "str")}
    short = prompt_compressor.compress_json({"key": value, 'k"ey': value}, config)["compressed_prompt"]
    assert short['k"ey'] == value and 0 < len(short["key"]) < len(value)


@pytest.mark.parametrize(
    ("data", "config", "message"),
    [
        ([1], {}, "json_data must be a dictionary, got list"),
        ("{}", {}, "json_data must be a dictionary, got str"),
        ({"a": date(2020, 1, 1)}, {"a": about(1, "str")}, "json_data cannot be written as JSON"),
        ({"a": float("nan")}, {"a": about(1, "float")}, "json_data cannot be written as JSON"),
        ({"a": 1}, {}, r"it lacks \['a'\]"),
        ({}, {"a": about(1, "int")}, r"has \['a'\] that json_data has not"),
        ({"a": 1}, 5, "json_config must be a dictionary or the path"),
        ({"a": 1}, "nowhere.yaml", "'nowhere.yaml' cannot be read as YAML"),
        ({"a": 1}, {"a": {"rate": 1}}, r"json_config\['a'\] cannot be used \(compress: field required; value_type"),
        ({"a": 1}, {"a": about(2, "int")}, r"json_config\['a'\] cannot be used \(rate: input should be less"),
        ({"a": 1}, {"a": about(0.5, "set")}, r"json_config\['a'\] cannot be used \(value_type: input should be 'str'"),
        ({"a": 1}, {"a": None}, r"json_config\['a'\] cannot be used"),
        ({"a": "x"}, {"a": about(0.5, "int")}, r"json_data\['a'\] is 'x', which is no int"),
        ({"a": 3.7}, {"a": about(0.5, "int")}, r"json_data\['a'\] is 3.7, which is no int"),
        ({"a": True}, {"a": about(0.5, "int")}, r"json_data\['a'\] is True, which is no int"),
        ({"a": "nan"}, {"a": about(0.5, "float")}, r"json_data\['a'\] is 'nan', which is no float"),
        ({"a": "1e999"}, {"a": about(0.5, "number")}, r"json_data\['a'\] is '1e999', which is no number"),
        ({"a": 10**400}, {"a": about(0.5, "float")}, "which is no float"),
        ({"a": "x"}, {"a": about(0.5, "bool")}, r"json_data\['a'\] is 'x', which is no bool"),
        ({"a": [1]}, {"a": about(0.5, "bool")}, "which is no bool"),
        ({"a": "x"}, {"a": about(0.5, "list")}, "which is no list"),
        ({"a": [1]}, {"a": about(0.5, "dict")}, "which is no dict"),
        ({"a": float("1e400")}, {"a": about(0.5, "float")}, "json_data cannot be written"),
    ],
)
def test_misuse_is_named(prompt_compressor, data, config, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        prompt_compressor.compress_json(data, config)


def test_yaml_that_is_none_is_named(prompt_compressor, tmp_path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("a: [")
    with pytest.raises(InvalidInputError, match="cannot be read as YAML"):
        prompt_compressor.compress_json({"a": 1}, path)
    path.write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(InvalidInputError, match="cannot be read as YAML"):
        prompt_compressor.compress_json({"a": 1}, path)
    path.write_text("- a")
    with pytest.raises(InvalidInputError, match="got list"):
        prompt_compressor.compress_json({"a": 1}, path)


LEAF = st.none() | st.booleans() | st.integers() | st.sampled_from([BIOGRAPHY, "a", "", " ", '"', "日本語 の"])
VALUE = st.tuples(st.just("list"), st.lists(LEAF, max_size=4)) | st.tuples(
    st.just("dict"), st.dictionaries(st.sampled_from("abc"), LEAF | st.lists(LEAF, max_size=2), max_size=3)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from("abcd"), VALUE, max_size=4), st.floats(0.05, 1), st.sampled_from(["", "Who?"]))
def test_whatever_the_object_the_result_is_a_smaller_object(prompt_compressor, typed, rate, question) -> None:
    data = {key: value for key, (_, value) in typed.items()}
    config = {key: about(rate, kind) for key, (kind, _) in typed.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = prompt_compressor.compress_json(data, config, question=question, use_keyvalue_level_filter=True)
    assert json.loads(json.dumps(result["compressed_prompt"], allow_nan=False)) == result["compressed_prompt"]
    assert set(result["compressed_prompt"]) <= set(data)
    assert result["compressed_tokens"] <= result["origin_tokens"]
