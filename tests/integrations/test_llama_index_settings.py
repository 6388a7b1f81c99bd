"""The LlamaIndex postprocessor as a component: its fields, what they refuse, and how it is stored and sent."""

from __future__ import annotations

import pickle
import threading
import time

import pytest

pytest.importorskip("llama_index.core")

from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.tersely import TerselyPostprocessor

from tersely import CompressionSettings, Compressor, InvalidInputError

QUESTION = "When was the mill opened?"
SENTENCES = [
    "The water mill on the river was opened in 1820 by two brothers from the village.",
    "A bakery across the street sold bread and cake to everybody who passed by.",
    "The railway came late and left early, and nobody misses its noise any more.",
]


@pytest.fixture
def nodes() -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(id_=text[:9], text=text, metadata={"page": 1})) for text in SENTENCES]


def test_the_model_is_loaded_once_at_first_use(loader, fake_scorer, nodes) -> None:
    loaded = []

    def load(model, **options):
        time.sleep(0.1)
        loaded.append(model)
        return fake_scorer

    loader(load)
    postprocessor = TerselyPostprocessor(rate=0.5, model="some/model", tokenizer="cl100k_base")
    assert loaded == []
    threads = [threading.Thread(target=postprocessor.postprocess_nodes, args=(nodes,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == ["some/model"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no budget"),
        ({"rate": 0.5, "target_tokens": 5}, "exclude each other"),
        ({"rate": 1.5}, "rate: input should be less"),
        ({"rate": 0.5, "method": "magic"}, "method"),
        ({"rate": 0.5, "protect": ["("]}, "does not compile"),
        ({"rate": 0.5, "order": "random"}, "order: .* got 'random'"),
        ({"rate": 0.5, "gap_marker": ""}, "gap_marker: .* at least 1 character"),
        ({"rate": 0.5, "granularity": 0.5}, "granularity: .* greater than or equal to 1, got 0.5"),
        ({"rate": 0.5, "dynamic_ratio": 2}, "dynamic_ratio: .* got 2"),
        ({"rate": 0.5, "segment_tokens": 0}, "segment_tokens: .* got 0"),
        ({"rate": 0.5, "count_metadata": "some"}, "count_metadata: .* boolean.* got 'some'"),
        ({"rate": 0.5, "model": 3}, "model: .* valid string, got 3"),
        ({"rate": 0.5, "on_result": 3}, "on_result: .* callable, got 3"),
        ({"rate": 0.5, "top_n": 3}, "top_n: no such setting; there are .*rate, target_tokens"),
        ({"rate": 0.5, "compressor": "GIVEN", "model": "m"}, "compressor excludes model and tokenizer"),
    ],
)
def test_misuse_is_said_at_construction(fake_compressor, arguments, message) -> None:
    if "compressor" in arguments:
        arguments = {**arguments, "compressor": fake_compressor}
    with pytest.raises(InvalidInputError, match=message):
        TerselyPostprocessor(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target_token": 300}, "target_token: no such setting; here it is target_tokens"),
        ({"rate": 0.5, "model_name": "gpt2"}, "model_name: no such setting; here it is model "),
        ({"rate": 0.5, "device_map": "cpu"}, r"device_map: .*compressor=Compressor\(device="),
        ({"rate": 0.5, "model_config": {}}, "model_config: no such setting"),
        ({"rate": 0.5, "open_api_config": {}}, "open_api_config: no such setting"),
        ({"rate": 0.5, "instruction_str": "x"}, "instruction_str: no such setting"),
        ({"rate": 0.5, "rank_method": "longllmlingua"}, "rank_method: no such setting; here it is method"),
        ({"rate": 0.5, "use_llmlingua2": True}, "use_llmlingua2: no such setting"),
        ({"rate": 0.5, "additional_compress_kwargs": {}}, "additional_compress_kwargs: no such setting"),
        ({"rate": 0.5, "metadata_mode": "llm"}, "metadata_mode: no such setting; here it is count_metadata"),
        ({"target_token": 300, "device_map": "cpu"}, "device_map: .*; target_token: .*llama_index.md"),
    ],
)
def test_arguments_of_longllmlingua_postprocessor_are_named_with_their_new_names(arguments, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        TerselyPostprocessor(**arguments)


def test_fields_can_be_set_later(fake_compressor, nodes) -> None:
    results = []
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    postprocessor.target_tokens = 20
    assert postprocessor.rate is None  # one budget replaces the other
    postprocessor.method = "longllmlingua"
    postprocessor.order = "original"
    postprocessor.gap_marker = " [...] "
    postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert (results[0].target_tokens, results[0].method) == (20, "longllmlingua")
    assert "[...]" in results[0].context
    postprocessor.method = None
    postprocessor.rate = 0.5
    assert postprocessor.target_tokens is None
    postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert results[1].method == "evidence" and results[1].rate <= 0.5


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rate", 7, "rate: .* got 7"),
        ("rate", None, "no budget"),
        ("target_tokens", 0, "target_tokens: .* got 0"),
        ("method", "magic", "method: .* got 'magic'"),
        ("protect", ["("], "does not compile"),
        ("count_metadata", "some", "count_metadata: .* got 'some'"),
        ("tokenizer", 5, "tokenizer: .* got 5"),
    ],
)
def test_a_wrong_value_set_later_is_refused_and_the_old_one_stays(name, value, message) -> None:
    postprocessor = TerselyPostprocessor(rate=0.5)
    before = postprocessor.to_dict()
    with pytest.raises(InvalidInputError, match=message):
        setattr(postprocessor, name, value)
    assert postprocessor.to_dict() == before


def test_an_existing_compressor_brings_its_settings(fake_scorer, nodes) -> None:
    settings = CompressionSettings(target_tokens=12, gap_marker="~", granularity=3, protect=("mill",))
    compressor = Compressor(fake_scorer, tokenizer="cl100k_base", settings=settings)
    results = []
    postprocessor = TerselyPostprocessor(compressor=compressor, on_result=results.append, granularity=4)
    assert (postprocessor.target_tokens, postprocessor.model, postprocessor.tokenizer) == (12, "fake", "cl100k_base")
    assert (postprocessor.gap_marker, postprocessor.granularity, postprocessor.protect) == ("~", 4, ("mill",))
    postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert results[0].target_tokens == 12 and results[0].tokenizer == "cl100k_base" and "~" in results[0].context


def test_another_model_set_later_takes_the_place_of_the_compressor(fake_compressor, fake_model, nodes) -> None:
    results = []
    postprocessor = TerselyPostprocessor(rate=0.5, compressor=fake_compressor, on_result=results.append)
    postprocessor.tokenizer = "cl100k_base"
    postprocessor.postprocess_nodes(nodes, query_str=QUESTION)
    assert results[0].tokenizer == "cl100k_base"


def stored(postprocessor: TerselyPostprocessor) -> list[TerselyPostprocessor]:
    return [
        TerselyPostprocessor.from_dict(postprocessor.to_dict()),
        TerselyPostprocessor.from_json(postprocessor.to_json()),
        pickle.loads(pickle.dumps(postprocessor)),
    ]


def test_it_can_be_stored_and_sent(fake_model, nodes) -> None:
    settings = CompressionSettings(
        rate=0.4,
        method="longllmlingua",
        order="original",
        protect=("mill",),
        gap_marker=" ~ ",
        fragments=True,
        granularity=3,
        dynamic_ratio=0.5,
        segment_tokens=100,
    )
    postprocessor = TerselyPostprocessor(
        **settings.model_dump(), count_metadata=True, model="some/model", tokenizer="cl100k_base"
    )
    data = postprocessor.to_dict()
    assert data["class_name"] == "TerselyPostprocessor"
    assert CompressionSettings(**{name: data[name] for name in CompressionSettings.model_fields}) == settings
    expected = [node.to_dict() for node in postprocessor.postprocess_nodes(nodes, query_str=QUESTION)]
    for other in stored(postprocessor):
        assert other.to_dict() == data
        assert [node.to_dict() for node in other.postprocess_nodes(nodes, query_str=QUESTION)] == expected


def test_its_schema_has_every_field_that_is_stored() -> None:
    fields = TerselyPostprocessor.model_json_schema()["properties"]
    assert fields.keys() == TerselyPostprocessor(rate=0.5).to_dict().keys() | {"callback_manager"}


def test_a_compressor_is_stored_by_the_names_of_its_model_and_tokenizer(tiny_compressor, nodes, monkeypatch) -> None:
    settings = {"rate": 0.5, "gap_marker": " ~ "}
    postprocessor = TerselyPostprocessor(compressor=tiny_compressor, **settings)
    assert len(pickle.dumps(postprocessor)) < 10_000  # without the model
    assert postprocessor.compressor is tiny_compressor
    expected = [node.to_dict() for node in postprocessor.postprocess_nodes(nodes, query_str=QUESTION)]
    asked = []
    monkeypatch.setattr(
        "llama_index.postprocessor.tersely.base.shared_compressor",
        lambda *names: asked.append(names) or tiny_compressor,
    )
    for other in stored(postprocessor):
        assert [node.to_dict() for node in other.postprocess_nodes(nodes, query_str=QUESTION)] == expected
    assert asked == [(tiny_compressor.scorer.name, tiny_compressor.tokenizer.name)] * 3
