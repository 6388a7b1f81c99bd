"""Sentences that say something else when a part of them goes: all of such a sentence is sent, or nothing of it."""

from __future__ import annotations

import pytest

from tersely import CompressionSettings

FILLER = (
    " The garden is green in spring and the lake is blue in summer. Lunch is served at noon every day of the week in "
    "the hall. The choir sings on Friday evenings."
)
SENTENCES = {
    "bonus": (
        "No employee who joined after 1 January 2020 and who works fewer than ten hours a week, including those on "
        "unpaid leave, is entitled to the 40 euro bonus.",
        "Who is entitled to the 40 euro bonus?",
    ),
    "dose": (
        "Patients may take up to 400 mg of Relaxin a day, but never more than 100 mg if they are older than seventy or "
        "have kidney disease.",
        "How much Relaxin may patients take?",
    ),
    "deposit": (
        "The deposit is refunded in full within two weeks unless the room is damaged or the key is lost.",
        "Is the deposit refunded?",
    ),
    "liability": (
        "The Supplier shall be liable for delays caused by its subcontractors only where they last longer than ten "
        "Business Days and are not due to strikes.",
        "Is the Supplier liable for delays?",
    ),
    "mayor": (
        "The report denies that, as some newspapers in the north and on the coast had written last autumn, the mayor "
        "took 5,000 euros from the builder.",
        "Did the mayor take money from the builder?",
    ),
    "revenue": (
        "Revenue rose from 14.2 million euros in 2023 to 17.9 million euros in 2024, while costs fell by 3 percent.",
        "What was revenue in 2024?",
    ),
    "Überstunden": (
        "Überstunden werden mit 25 Prozent Zuschlag bezahlt, es sei denn, sie wurden nicht von der Leitung angeordnet.",
        "Werden Überstunden bezahlt?",
    ),
    "remboursement": (
        "Le billet est remboursé dans les dix jours, sauf si le voyageur ne s'est pas présenté au départ du train.",
        "Le billet est-il remboursé ?",
    ),
    "garantía": (
        "La garantía cubre el motor durante cinco años, pero nunca si el coche se usa como taxi o en carreras.",
        "¿Cuánto dura la garantía del motor?",
    ),
    "退款": (
        "课程开始后七天内可以退款，但已经参加考试的学生除外，老师推荐的学生也不能退款。",
        "课程开始后可以退款吗？",
    ),
    "الضمان": ("يغطي الضمان المحرك لمدة خمس سنوات، إلا إذا استخدمت السيارة في السباقات.", "كم مدة ضمان المحرك؟"),
}


@pytest.mark.model
@pytest.mark.parametrize("fragments", [False, True], ids=["whole units", "fragments"])
@pytest.mark.parametrize("name", SENTENCES)
def test_the_whole_sentence_or_none_of_it(real_compressor, name, fragments) -> None:
    sentence, question = SENTENCES[name]
    for rate in (0.6, 0.5, 0.3, 0.2, 0.15, 0.1):
        settings = CompressionSettings(rate=rate, fragments=fragments)
        result = real_compressor.compress([sentence + FILLER], question, settings=settings)
        rest = result.context.replace(sentence, "")
        parts = rest.split("[...]") if fragments else [f"{part.strip()}." for part in rest.split(".") if part.strip()]
        assert all(part.strip() in FILLER for part in parts), rest
        if not result.context:
            assert result.smallest_useful_budget and result.smallest_useful_budget > result.target_tokens
            again = real_compressor.compress([sentence + FILLER], question, target_tokens=result.smallest_useful_budget)
            assert sentence in again.context, "the budget that it named does hold the best unit"


@pytest.mark.model
def test_where_the_best_does_not_fit_no_filler_takes_its_place(real_compressor) -> None:
    sentence, question = SENTENCES["deposit"]
    result = real_compressor.compress([sentence + FILLER], question, rate=0.2)
    assert result.context == "" and result.unused_tokens == result.target_tokens
    assert "needs a budget of" in result.notes[0]


@pytest.mark.model
def test_sentences_are_never_glued(real_compressor) -> None:
    texts = [
        "The old mill was sold in October 2009 for 1,850,000 euros. It rains.",
        f"The unknown token is odd.{FILLER}",
    ]
    for rate in (0.9, 0.8, 0.6, 0.4, 0.2):
        context = real_compressor.compress(texts, "When was the mill sold?", rate=rate).context
        assert all(line.strip().endswith(".") for line in context.split("\n") if line.strip())


@pytest.mark.model
def test_what_fits_and_answers_comes_before_what_only_names(real_compressor) -> None:
    text = "Anna was born in Utrecht, the youngest of five. She died in Leiden in 1931. She painted ships and harbours."
    assert "Leiden in 1931" in real_compressor.compress([text], "Where did Anna die?", target_tokens=14).context


@pytest.mark.model
def test_a_short_text_that_is_barely_too_long_names_the_budget_that_holds_it(real_compressor) -> None:
    result = real_compressor.compress(["Fee: 40 euros."], "What is the fee?", rate=0.9)
    assert result.context == "" and result.smallest_useful_budget == result.original_tokens
    assert result.left_out[0].budget == result.original_tokens and result.left_out[0].index == 0


@pytest.mark.model
def test_a_title_above_the_budget_is_shortened_and_that_is_said(real_compressor) -> None:
    mill = {"title": "lorem ipsum dolor " * 40, "text": "The old mill was sold in October 2009 for 1,850,000 euros."}
    harbour = "The harbour was dredged in 1990 and is deep enough for large ships now."
    result = real_compressor.compress([mill, harbour], "When was the mill sold?", target_tokens=30)
    assert mill["text"] in result.context and result.documents[0].index == 0
    assert result.documents[0].short_title and any("title of document 0" in note for note in result.notes)


@pytest.mark.model
def test_strings_that_steer_a_model_are_text(real_compressor) -> None:
    tokens = real_compressor.scorer.encode("<|im_start|>")
    assert len(tokens.tokens) > 1
