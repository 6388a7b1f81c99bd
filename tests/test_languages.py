"""Sentences of languages other than English as units: each is right, and some of them are kept word for word."""

from __future__ import annotations

import numpy as np
import pytest

from tersely import Document
from tersely.budget.rendering import document_text
from tersely.text.segmentation import segment_documents

PARAGRAPHS = {
    "Chinese": [
        "天一阁位于浙江省宁波市，建于1561年。",
        "它的主人范钦问道：“书该放在哪里？”",
        "“放在水边！”他的儿子回答说。",
        "后来，藏书达到了七万多卷。",
        "你去过那里吗？",
        "真值得一看！",
    ],
    "Japanese": [
        "この図書館は1978年に建てられました。",
        "館長は「静かにしてください。お願いします。」と言った。",
        "「本は何冊ありますか？」と子どもが聞いた。",
        "約3.5万冊あるそうです！",
        "利用は無料だが、カードが必要である。",
    ],
    "Arabic": [
        "افتُتحت المكتبة عام 1820، وكانت صغيرة جدًا.",
        "كم كتابًا فيها اليوم؟",
        "فيها نحو 1.5 مليون كتاب، ومعظمها بالعربية.",
        "يديرها د. أحمد منذ سنوات!",
        "وهي مفتوحة كل يوم، ما عدا الجمعة.",
    ],
    "German": [
        "Am 3. Oktober 1990 wurde die Bibliothek wieder geöffnet.",
        "Ihr Leiter war Dr. Weber, der im 19. Jahrhundert z. B. Goethe suchte.",
        "Der Umbau kostete ca. 3,5 Mio. Euro, d. h. mehr als geplant.",
        "„Lohnt sich das?“, fragte man ihn.",
        "Er lächelte und schwieg!",
        "Heute kommen täglich 1.200 Leser, u. a. aus St. Gallen.",
    ],
    "English": [
        "The library was opened on Oct. 3, 1990 by Dr. J. Weber of the U.S. embassy.",
        '"Was it worth it?" he was asked.',
        "It had cost about $3.5 million, i.e. more than planned!",
        "Today 1,200 readers come each day.",
    ],
}


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_sentences_are_units_and_can_be_kept_alone(language) -> None:
    sentences = PARAGRAPHS[language]
    joiner = "" if language in ("Chinese", "Japanese") else " "
    text = joiner.join(sentences)
    (segmented,) = segment_documents([(0, Document(text=text))])
    words = segmented.words
    spans = [(words[unit.words.start].start, words[unit.words.stop - 1].end) for unit in segmented.units]
    assert [text[start:end] for start, end in spans] == sentences
    assert all(unit.divisible and not unit.context for unit in segmented.units)

    kept = np.zeros(len(words), dtype=bool)
    for number in (1, 2, len(sentences) - 1):
        chosen = segmented.units[number].words
        kept[chosen.start : chosen.stop] = True
    assert document_text(segmented, kept) == joiner.join([*sentences[1:3], sentences[-1]])
