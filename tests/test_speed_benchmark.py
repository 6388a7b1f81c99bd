"""The contexts that the speed benchmark makes have the size that their rows say, and its ratios the right way up."""

from __future__ import annotations

import pytest
import speed_ceiling
from speed_ceiling import Shapes, fastest_number_type, product, random_rows
from speed_growth import equal_documents, many_documents, one_document
from speed_measuring import tokens_read
from speed_peers import Turn, pair_rows, peers_of

from conftest import in_eight_bits
from tersely import Compressor, Document, InvalidInputError
from tersely.budget.rendering import with_title

DOCUMENTS = [Document(text="one two three", title="First"), Document(text="four five six seven", title="Second")]


def test_many_documents_are_cut_at_the_size(fake_scorer) -> None:
    cut = many_documents(DOCUMENTS, 7, fake_scorer.encode)
    assert [(document.title, document.text) for document in cut] == [
        ("First", "one two three"),
        ("Second", "four five"),
    ]
    assert sum(len(fake_scorer.encode(with_title(document.title, document.text)).tokens) for document in cut) == 7


def test_many_documents_of_exactly_one_document(fake_scorer) -> None:
    assert many_documents(DOCUMENTS, 4, fake_scorer.encode) == DOCUMENTS[:1]


def test_a_title_alone_is_no_document(fake_scorer) -> None:
    assert many_documents(DOCUMENTS, 5, fake_scorer.encode) == DOCUMENTS[:1]


def test_one_document_has_the_titles_in_its_text(fake_scorer) -> None:
    (cut,) = one_document(DOCUMENTS, 7, fake_scorer.encode)
    assert cut.title is None and cut.text.split() == "First one two three Second four five".split()


def test_equal_documents_share_out_the_text(fake_scorer) -> None:
    cut = equal_documents(DOCUMENTS, 3, 3, fake_scorer.encode)
    assert [document.text.split() for document in cut] == [
        ["First", "one", "two"],
        ["three", "Second", "four"],
        ["five", "six", "seven"],
    ]


def test_too_little_text_is_said(fake_scorer) -> None:
    with pytest.raises(InvalidInputError, match="3 tokens too few"):
        many_documents(DOCUMENTS, 12, fake_scorer.encode)


def test_tokens_read_count_the_question_after_each_document(fake_scorer) -> None:
    compressor = Compressor(fake_scorer, tokenizer=len)
    assert tokens_read(compressor, DOCUMENTS, "how many") == (4 + 3) + (5 + 3)


def test_operations_of_all_layers() -> None:
    assert Shapes(layers=2, matrices=[(3, 4), (5, 6)]).operations == 2 * 2 * (12 + 30)


def test_a_ratio_is_how_many_times_as_long_the_peer_takes() -> None:
    own, slower, faster = ([Turn(seconds, None, 100) for seconds in of_one] for of_one in ((1, 2), (4, 6), (0.5, 1)))
    contenders = {
        "evidence": own,
        "longllmlingua": own,
        "llmlingua-0.2.2/longllmlingua/float32": slower,
        "llmlingua-0.2.2/longllmlingua/bfloat16": faster,
    }
    _, float32, bfloat16, *_ = pair_rows({"data": contenders})
    assert float32[3:] == ["3.5", "3.0 to 4.0", "4.0, 3.0"]
    assert bfloat16[3:] == ["0.5", "0.5 to 0.5", "0.5, 0.5"]


def test_the_limit_is_of_the_fastest_number_type_that_there_is(monkeypatch) -> None:
    monkeypatch.setattr(speed_ceiling, "eight_bit_levels", lambda: 90)
    assert fastest_number_type("cpu") == "int8"
    monkeypatch.setattr(speed_ceiling, "eight_bit_levels", lambda: None)
    for native in ("bfloat16", "float32"):
        monkeypatch.setattr(speed_ceiling, "best_floating_dtype", lambda device, native=native: native)
        assert fastest_number_type("cpu") == native


@pytest.mark.parametrize("number_type", [pytest.param("int8", marks=in_eight_bits), "bfloat16", "float32"])
def test_products_of_every_number_type_have_the_shape_of_the_model(number_type) -> None:
    rows = random_rows(5, 32, number_type, "cpu")
    assert product(48, 32, number_type, "cpu")(rows).shape == (5, 48)


def test_a_machine_without_bfloat16_is_spared_the_peer_in_bfloat16() -> None:
    assert [peer.rpartition("/")[2] for peer in peers_of("bfloat16")] == ["float32", "bfloat16"]
    assert [peer.rpartition("/")[2] for peer in peers_of("float32")] == ["float32"]
    turns = {name: [Turn(1, None, 100)] for name in ("evidence", "longllmlingua", *peers_of("float32"))}
    assert len(pair_rows({"data": turns})) == 1 + 2
