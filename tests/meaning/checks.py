"""What must hold of what is sent of texts that a parser reads: JSON, YAML, XML, HTML, Python, LaTeX.

A check takes a context and the documents of which it was made, and returns its faults. Those that begin with "soft: "
say that something is missing without which the rest still means what it did.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from typing import Any

import yaml
from meaning.notation import Check, Document

Path = tuple[str, ...]  # of keys; "*" for a place in a list


def both(*checks: Check) -> Check:
    def check(context: str, documents: Sequence[Document]) -> list[str]:
        return [fault for one in checks for fault in one(context, documents)]

    return check


def text_of(document: Document) -> str:
    return document if isinstance(document, str) else document["text"]


def text_with_title(document: Document) -> str:
    return document if isinstance(document, str) else f"{document.get('title') or ''}\n{document['text']}"


def subsequence(context: str, documents: Sequence[Document]) -> list[str]:
    """Nothing that was not there, in its order (white space aside)."""
    for order in itertools.permutations(documents) if len(documents) <= 3 else [documents]:
        source = iter("".join("".join(map(text_with_title, order)).split()))
        if all(character in source for character in "".join(context.split())):
            return []
    return ["no subsequence of the input"]


def whole_lines(context: str, documents: Sequence[Document]) -> list[str]:
    lines = {line.strip() for document in documents for line in text_of(document).split("\n")}
    return [f"cut line {line!r}" for line in context.split("\n") if line.strip() and line.strip() not in lines][:5]


def less(kept: Any, original: Any, may_lose: Callable[[Path], bool], path: Path = ()) -> list[str]:
    """Faults unless kept is the original less whole records.

    Containers for whose path `may_lose` is true may lose entries; all else is equal.
    """
    if type(kept) is not type(original):
        return [f"{path}: another type ({type(kept).__name__} for {type(original).__name__})"]
    if kept == original:
        return []
    if not may_lose(path):
        return [f"{path}: not whole: {str(kept)[:80]!r}"]
    if isinstance(original, dict):
        faults = [f"{path}: key {key!r} was not there" for key in kept if key not in original]
        if not kept:
            faults.append(f"{path}: empty")
        for key in kept:
            if key in original:
                faults += less(kept[key], original[key], may_lose, (*path, key))
        return faults
    if isinstance(original, list):
        return less_of_list(kept, original, may_lose, path)
    return [f"{path}: {kept!r} for {original!r}"]


def less_of_list(kept: list, original: list, may_lose: Callable[[Path], bool], path: Path) -> list[str]:
    if not kept:
        return [f"{path}: empty list where there were {len(original)}"]
    first, faults = 0, []
    for entry in kept:
        tries = [less(entry, other, may_lose, (*path, "*")) for other in original[first:]]
        if not tries:
            return [*faults, f"{path}: order or copies"]
        if [] in tries:
            first += tries.index([]) + 1
        else:
            faults += min(tries, key=len)
    return faults


def json_check(may_lose: Callable[[Path], bool], also: Callable[[Any, Any], list[str]]) -> Check:
    def check(context: str, documents: Sequence[Document]) -> list[str]:
        if not context.strip():
            return []
        try:
            kept = json.loads(context)
        except ValueError as error:
            return [f"no JSON: {error}"]
        original = json.loads(text_of(documents[0]))
        return less(kept, original, may_lose) + also(kept, original)

    return check


def json_lines(context: str, documents: Sequence[Document]) -> list[str]:
    original = [json.loads(line) for line in text_of(documents[0]).split("\n") if line.strip()]
    try:
        kept = [json.loads(line) for line in context.split("\n") if line.strip()]
    except ValueError as error:
        return [f"no JSON lines: {error}"]
    return less(kept, original, lambda path: path == ()) if kept else []


def string_lines(key: str) -> Check:
    """A JSON object whose string at a key may lose whole lines; of the other keys, those that are there are equal."""

    def check(context: str, documents: Sequence[Document]) -> list[str]:
        if not context.strip():
            return []
        try:
            kept = json.loads(context)
        except ValueError as error:
            return [f"no JSON: {error}"]
        original = json.loads(text_of(documents[0]))
        if not isinstance(kept, dict) or set(kept) - set(original):
            return ["another shape"]
        faults = [f"{name}: another value" for name in kept if name != key and kept[name] != original[name]]
        faults += [f"soft: {name}: gone" for name in original if name not in kept and name != key]
        if key not in kept:
            return [*faults, f"{key} is gone"]
        if not isinstance(kept[key], str) or not kept[key].strip():
            return [*faults, f"{key} is empty"]
        source = iter(original[key].split("\n"))
        for line in kept[key].split("\n"):
            if line.strip() and line not in source:
                return [*faults, f"cut line or order: {line[:80]!r}"]
        return faults

    return check


def yaml_check(may_lose: Callable[[Path], bool]) -> Check:
    def check(context: str, documents: Sequence[Document]) -> list[str]:
        if not context.strip():
            return []
        try:
            kept = list(yaml.safe_load_all(context))
        except yaml.YAMLError as error:
            return [f"no YAML: {str(error)[:120]}"]
        return less(kept, list(yaml.safe_load_all(text_of(documents[0]))), may_lose)

    return check


def flat(node: ElementTree.Element) -> str:
    return re.sub(r"\s+", " ", ElementTree.tostring(node, encoding="unicode").strip())


class XmlComparison:
    """Whether elements are others less whole records."""

    def __init__(self, record: str, parents: Sequence[str]) -> None:
        self.record, self.parents = record, parents
        self.faults: list[str] = []

    def is_whole(self, node: ElementTree.Element) -> bool:
        """Whether an element may lose nothing: a record, or what no record is in."""
        return node.tag == self.record or not any(other is not node for other in node.iter(self.record))

    def alike(self, kept: ElementTree.Element, original: ElementTree.Element) -> bool:
        if kept.tag != original.tag or kept.attrib != original.attrib:
            return False
        return flat(kept) == flat(original) if self.is_whole(original) else True

    def compare(self, kept: ElementTree.Element, original: ElementTree.Element, where: str) -> None:
        if self.is_whole(original):
            if flat(kept) != flat(original):
                self.faults.append(f"{where}: not whole: {flat(kept)[:80]!r}")
            return
        if kept.attrib != original.attrib:
            self.faults.append(f"{where}: attributes gone")
        left = list(original)  # of its children, those after the last that was kept
        for child in kept:
            place = f"{where}/{child.tag}"
            number = next((number for number, other in enumerate(left) if self.alike(child, other)), None)
            if number is None:
                self.faults.append(f"{place}: changed, cut or moved: {flat(child)[:80]!r}")
                continue
            if child.tag in self.parents and not list(child.iter(self.record)):
                self.faults.append(f"{place}: alone")
            self.compare(child, left[number], place)
            left = left[number + 1 :]


def xml_records(record: str, parents: Sequence[str]) -> Check:
    def check(context: str, documents: Sequence[Document]) -> list[str]:
        if not context.strip():
            return []
        try:
            kept = ElementTree.fromstring(context)
        except ElementTree.ParseError as error:
            return [f"no XML: {error}"]
        original = ElementTree.fromstring(text_of(documents[0]))
        if kept.tag != original.tag or kept.attrib != original.attrib:
            return ["another root"]
        if not list(kept.iter(record)):
            return ["no record: a shell alone"]
        comparison = XmlComparison(record, parents)
        comparison.compare(kept, original, kept.tag)
        return comparison.faults[:6]

    return check


def python_check(context: str, documents: Sequence[Document]) -> list[str]:
    try:
        ast.parse(context)
    except SyntaxError as error:
        return [f"no Python: {error}"]
    return []


def balanced(*pairs: tuple[str, str]) -> Check:
    """LaTeX and the like: what opens closes."""

    def check(context: str, documents: Sequence[Document]) -> list[str]:
        return [
            f"{opening} {context.count(opening)} times, {closing} {context.count(closing)} times"
            for opening, closing in pairs
            if context.count(opening) != context.count(closing)
        ]

    return check
