"""Python's own language reference as documents and passages. It comes with Python: no download, no network."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tersely import Document

_PASSAGE_CHARACTERS = 1000
_UNDERLINED = re.compile(r"^(\S[^\n]*)\n([=*\-~^\"'#+])\2{2,}[ ]*$", re.MULTILINE)  # a heading


def reference_sections() -> list[Document]:
    """The sections of Python's language reference, each once: its large topics repeat what smaller ones say."""
    from pydoc_data.topics import topics

    sections: dict[str, Document] = {}
    for topic in sorted(topics, key=lambda topic: (len(topics[topic]), topic)):
        text = topics[topic]
        headings = list(_UNDERLINED.finditer(text))
        ends = [heading.start() for heading in headings[1:]] + [len(text)]
        for heading, end in zip(headings, ends, strict=bool(headings)):
            body = text[heading.end() : end].strip()
            words = " ".join(body.split())
            if words and words not in sections:
                name = topic if heading is headings[0] else f"{topic}: {heading[1]}"
                sections[words] = Document(text=f"{heading[1]}\n\n{body}", id=name)
    return list(sections.values())


def cut_passages(section: Document) -> Iterator[Document]:
    """Whole paragraphs of a section, joined to passages of about a thousand characters."""
    texts: list[str] = []
    for paragraph in section.text.split("\n\n"):
        if texts and len(texts[-1]) + len(paragraph) <= _PASSAGE_CHARACTERS:
            texts[-1] += f"\n\n{paragraph}"
        else:
            texts.append(paragraph)
    return (Document(text=text, id=f"{section.id} [{number}]") for number, text in enumerate(texts, start=1))
