"""Shared checks. A text is written in a small notation (`spec`), from which both the text and its rules come:

<depth><flags>|line            blank lines stand for themselves
>  container (heading, question, lead-in, header row): never alone, and everything deeper below it needs it
.  line: kept whole on a line of its own      p  prose paragraph (may be joined to other prose by a space)
+  belongs to the line before: one unit       _  hard-wrapped continuation of the paragraph before
~  optional line before a unit: needs the next unit (comment)
^  closing line of the container of the same depth: everything in it needs it, and it never stands alone
v  optional closing line of the container of the same depth: never alone, but may go
with >: % its lack is only reported as soft (a section's heading above units that read on their own), unless the unit
   then stands under another's heading; o it may stand alone (a log entry with its trace below)
inside a line: `¦` parts sentences (each may go); `¦>` what stands before it is needed by the rest of the paragraph
(number, speaker); `¦&` this sentence needs the one before; `¦=` each needs the other
"""

import html.parser
import itertools
import json
import re
import xml.etree.ElementTree as ET

ROW = re.compile(r"(\d+)([.>+_~^vp%o]+)\|(.*)")
CJK = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


class Atom:
    def __init__(self, raw, group, first, prose, flags, wrap):
        self.raw, self.group, self.first, self.prose, self.flags, self.wrap = raw, group, first, prose, flags, wrap
        self.indent = re.match(r"[ \t]*", raw).group() if first else ""
        if wrap:
            body = r"\s+".join(re.escape(w) for w in raw.split())
        else:
            lines = [x for x in raw.strip("\n").split("\n") if x.strip()]
            parts = [re.escape(lines[0].strip() if len(lines) == 1 else lines[0].lstrip().rstrip())]
            parts += [re.escape(x.rstrip()) for x in lines[1:]]
            body = r"[ \t]*\n(?:[ \t]*\n)*".join(parts)
        self.regex = re.compile(body)
        self.text = raw.strip()
        self.colon = False  # in-line container


class Doc:
    """Text and rules of one document."""

    def __init__(self, spec, title=None, need_title=False, indent=False):
        self.indent = indent
        out, groups = [], []
        for raw in spec.strip("\n").split("\n"):
            if not raw.strip():
                out.append("")
                continue
            m = ROW.fullmatch(raw)
            assert m, raw
            depth, flags, body = int(m[1]), m[2], m[3]
            out.append(re.sub(r"¦[>&=]?", "", body))
            if "+" in flags or "_" in flags:
                groups[-1]["lines"].append(body)
                groups[-1]["wrap"] |= "_" in flags
            else:
                groups.append({"depth": depth, "flags": flags, "lines": [body], "wrap": False})
        self.body = "\n".join(out)
        self.title = title
        self.atoms, self.needs, self.anyof, self.soft, self.groups = [], [], [], set(), groups
        offset = 0
        if title:
            self.atoms.append(Atom(title, -1, True, False, ">", False))
            offset = 1
        for n, g in enumerate(groups):
            whole = "\n".join(g["lines"])
            pieces = re.split(r"(¦[>&=]?)", whole)
            g["atoms"] = []
            heads = []
            for k in range(0, len(pieces), 2):
                i = len(self.atoms)
                op = pieces[k - 1] if k else ""
                self.atoms.append(Atom(pieces[k], n, k == 0, "p" in g["flags"], g["flags"], g["wrap"]))
                if op == "¦>":
                    self.atoms[i - 1].colon = True
                    heads.append(i - 1)
                if op in ("¦&", "¦="):
                    self.needs.append((i, i - 1))
                if op == "¦=":
                    self.needs.append((i - 1, i))
                self.needs += [(i, h) for h in heads]
                g["atoms"].append(i)
            for h in heads:
                if ">" not in g["flags"]:
                    self.anyof.append((h, [j for j in g["atoms"] if j > h]))
        stack = []
        for n, g in enumerate(groups):
            closing = set("^v") & set(g["flags"])
            while stack and stack[-1]["depth"] >= g["depth"] + bool(closing):
                stack.pop()
            g["parents"] = list(stack)
            if closing:
                parent = stack[-1]
                assert parent["depth"] == g["depth"], g
                self.needs += [(i, j) for i in g["atoms"] for j in parent["atoms"]]
                if "^" in g["flags"]:
                    self.needs += [(j, i) for i in g["atoms"] for j in parent["atoms"]]
                continue
            self.needs += [(i, j) for s in stack for i in g["atoms"] for j in s["atoms"]]
            self.soft |= {(i, j) for s in stack if "%" in s["flags"] for i in g["atoms"] for j in s["atoms"]}
            if ">" in g["flags"]:
                stack.append(g)
        for n, g in enumerate(groups):
            if "~" in g["flags"]:
                nxt = next(x for x in groups[n + 1 :] if "~" not in x["flags"])
                self.needs += [(i, j) for i in g["atoms"] for j in nxt["atoms"]]
            if ">" in g["flags"] and "o" not in g["flags"]:
                leaves = [
                    i
                    for x in groups
                    if any(g is y for y in x["parents"])
                    and not (set("~^v" if "o" in x["flags"] else ">~^v") & set(x["flags"]))
                    for i in x["atoms"]
                ]
                assert leaves, g
                self.anyof += [(i, leaves) for i in g["atoms"]]
        if title:
            rest = [i for i in range(1, len(self.atoms)) if ">" not in self.atoms[i].flags]
            self.anyof.append((0, rest))
            if need_title:
                self.needs += [(i, 0) for i in rest]
        self.offset = offset

    @property
    def document(self):
        return {"title": self.title, "text": self.body} if self.title else self.body

    def render(self, kept):
        out, last = "", None
        for i in sorted(kept):
            a = self.atoms[i]
            piece = a.raw.strip("\n").rstrip() if a.first else a.raw.strip()
            if last is not None:
                same = last.group == a.group
                out += ("" if CJK.search(out[-1]) else " ") if same else "\n"
            out, last = out + piece, a
        return out

    def closure(self, i):
        kept, todo = set(), [i]
        while todo:
            j = todo.pop()
            if j not in kept:
                kept.add(j)
                todo += [b for a, b in self.needs if a == j]
        return kept

    def faults(self, kept):
        kept, out, at = set(kept), [], self.atoms
        for a, b in self.needs:
            if a in kept and b not in kept:
                out.append(
                    ("soft: " if (a, b) in self.soft else "") + f"{at[a].text[:50]!r} without {at[b].text[:50]!r}"
                )
        stack = []
        for i in sorted(kept):
            if at[i].group < 0:
                continue
            g = self.groups[at[i].group]
            closing = bool(set("^v") & set(g["flags"]))
            while stack and stack[-1]["depth"] >= g["depth"] + closing:
                stack.pop()
            out += [
                f"{at[i].text[:50]!r} stands under {at[s['atoms'][0]].text[:50]!r}"
                for s in stack
                if not any(s is x for x in g["parents"]) and s is not g
            ]
            if ">" in g["flags"] and not any(s is g for s in stack):
                stack.append(g)
        for a, group in self.anyof:
            if a in kept and not kept & set(group):
                out.append(f"alone: {at[a].text[:60]!r}")
        return out


def _alignments(context, docs, cap=3000):
    """All ways to read context as whole units of docs, in order; else the place where it ends."""
    flat = [(d, i) for d in range(len(docs)) for i in range(len(docs[d].atoms))]
    found, far = [], [0]
    steps = [0]

    def go(pos, k, last, chosen):
        steps[0] += 1
        gap = re.compile(r"\s*").match(context, pos)
        start = gap.end()
        far[0] = max(far[0], start)
        if start == len(context):
            found.append(list(chosen))
            return
        if len(found) >= cap or steps[0] > 200000:
            return
        space = gap.group()
        for n in range(k, len(flat)):
            d, i = flat[n]
            a = docs[d].atoms[i]
            m = a.regex.match(context, start)
            if not m:
                continue
            if last is None:
                ok = True
            else:
                (ld, li), b = last, docs[last[0]].atoms[last[1]]
                if ld == d and b.group == a.group:
                    ok = (
                        bool(space)
                        or bool(CJK.match(context[start - 1]))
                        or (li + 1 == i and not docs[d].atoms[li].raw[-1:].isspace() and not a.raw[:1].isspace())
                    )
                    if b.colon and "\n" in space and not b.wrap:
                        ok = False
                elif a.prose and b.prose:
                    ok = bool(space) or bool(CJK.match(context[start - 1]))
                else:
                    ok = "\n" in space
            if ok and docs[d].indent and a.first:
                ok = space.split("\n")[-1] == a.indent
            if not ok:
                continue
            chosen.append((d, i))
            go(m.end(), n + 1, (d, i), chosen)
            chosen.pop()

    go(0, 0, None, [])
    return found, far[0]


def units(*docs):
    """The check of texts written in the notation."""

    def check(context, documents):
        if not context.strip():
            return []
        best = None
        orders = itertools.permutations(range(len(docs))) if len(docs) <= 3 else [range(len(docs))]
        far = 0
        for order in orders:
            row = [docs[o] for o in order]
            found, reached = _alignments(context, row)
            far = max(far, reached)
            for way in found:
                faults = []
                for d, doc in enumerate(row):
                    faults += doc.faults([i for e, i in way if e == d])
                weight = [
                    sum(not f.startswith("soft: ") for f in x) * 1000 + len(x) if x is not None else 10**9
                    for x in (faults, best)
                ]
                if weight[0] < weight[1]:
                    best = faults
                if not best:
                    return []
        if best is None:
            return [
                f"no whole unit, out of order, or not on a line of its own, at {far}: {context[max(0, far - 30) : far]!r} HERE {context[far : far + 70]!r}"
            ]
        return list(dict.fromkeys(best))[:8]

    check.docs = docs
    return check


def both(*checks):
    def check(context, documents):
        return [f for c in checks for f in c(context, documents)]

    check.docs = next((c.docs for c in checks if hasattr(c, "docs")), ())
    return check


def text_of(document):
    return document if isinstance(document, str) else document["text"]


def subsequence(context, documents):
    """Nothing that was not there, in its order (white space aside)."""
    orders = itertools.permutations(documents) if len(documents) <= 3 else [documents]
    for order in orders:
        source = iter(
            c
            for d in order
            for c in (d if isinstance(d, str) else (d.get("title") or "") + d["text"])
            if not c.isspace()
        )
        if all(c in source for c in context if not c.isspace()):
            return []
    return ["no subsequence of the input"]


def whole_lines(context, documents):
    lines = {x.strip() for d in documents for x in text_of(d).split("\n")}
    return [f"cut line {x!r}" for x in context.split("\n") if x.strip() and x.strip() not in lines][:5]


# Parsed forms


def sub(kept, orig, wrap, path=()):
    """kept is orig less whole records: containers for which wrap(path) is true may lose entries, the rest is equal."""
    if kept == orig and type(kept) is type(orig):
        return []
    if type(kept) is not type(orig):
        return [f"{path}: another type ({type(kept).__name__} for {type(orig).__name__})"]
    if not wrap(path):
        return [f"{path}: not whole: {str(kept)[:80]!r}"]
    if isinstance(orig, dict):
        out = [f"{path}: key {k!r} was not there" for k in kept if k not in orig]
        if not kept:
            out.append(f"{path}: empty")
        return out + [f for k in kept if k in orig for f in sub(kept[k], orig[k], wrap, (*path, k))]
    if isinstance(orig, list):
        if not kept:
            return [f"{path}: empty list where there were {len(orig)}"]
        at, out = 0, []
        for k in kept:
            tries = [(sub(k, orig[j], wrap, (*path, "*")), j) for j in range(at, len(orig))]
            if not tries:
                return [*out, f"{path}: order or copies"]
            good = next((j for f, j in tries if not f), None)
            if good is None:
                out += min(tries, key=lambda t: len(t[0]))[0] or ["?"]
            else:
                at = good + 1
        return out
    return [f"{path}: {kept!r} for {orig!r}"]


def json_check(wrap, extra=None):
    def check(context, documents):
        if not context.strip():
            return []
        try:
            kept = json.loads(context)
        except ValueError as error:
            return [f"no JSON: {error}"]
        orig = json.loads(text_of(documents[0]))
        return sub(kept, orig, wrap) + (extra(kept, orig) if extra else [])

    return check


def json_lines(context, documents):
    orig = [json.loads(x) for x in text_of(documents[0]).split("\n") if x.strip()]
    try:
        kept = [json.loads(x) for x in context.split("\n") if x.strip()]
    except ValueError as error:
        return [f"no JSON lines: {error}"]
    return sub(kept, orig, lambda path: path == ()) if kept else []


def string_lines(path, keep=()):
    """A JSON object whose string at path may lose whole lines; the other keys are equal, and those of `keep` there."""

    def check(context, documents):
        if not context.strip():
            return []
        try:
            kept = json.loads(context)
        except ValueError as error:
            return [f"no JSON: {error}"]
        orig = json.loads(text_of(documents[0]))
        if not isinstance(kept, dict) or set(kept) - set(orig):
            return ["another shape"]
        out = [f"{k}: another value" for k in kept if k != path and kept[k] != orig[k]]
        out += [f"soft: {k}: gone" for k in orig if k not in kept and k != path]
        if path not in kept:
            return [*out, f"{path} is gone"]
        if not isinstance(kept[path], str) or not kept[path].strip():
            return [*out, f"{path} is empty"]
        source = iter(orig[path].split("\n"))
        for line in kept[path].split("\n"):
            if line.strip() and not any(line == x for x in source):
                out.append(f"cut line or order: {line[:80]!r}")
                break
        return out

    return check


def xml_records(root, record, parents=()):
    def flat(node):
        return ET.tostring(node, encoding="unicode").strip()

    def check(context, documents):
        if not context.strip():
            return []
        try:
            kept = ET.fromstring(context)
        except ET.ParseError as error:
            return [f"no XML: {error}"]
        orig = ET.fromstring(text_of(documents[0]))
        out = [] if kept.tag == orig.tag and kept.attrib == orig.attrib else ["another root"]
        if not out and not list(kept.iter(record)):
            out.append("no record: a shell alone")

        def compare(a, b, where):
            if a.tag == record or not any(True for _ in b.iter(record) if _ is not b):
                if re.sub(r"\s+", " ", flat(a)) != re.sub(r"\s+", " ", flat(b)):
                    out.append(f"{where}: not whole: {flat(a)[:80]!r}")
                return
            if a.attrib != b.attrib:
                out.append(f"{where}: attributes gone")
            at, children = 0, list(b)
            for child in a:

                def alike(other):
                    if child.tag != other.tag or child.attrib != other.attrib:
                        return False
                    if child.tag == record or not any(x is not other for x in other.iter(record)):
                        return re.sub(r"\s+", " ", flat(child)) == re.sub(r"\s+", " ", flat(other))
                    return True

                j = next((j for j in range(at, len(children)) if alike(children[j])), None)
                if j is None:
                    out.append(f"{where}/{child.tag}: changed, cut or moved: {flat(child)[:80]!r}")
                else:
                    if child.tag in parents and not list(child.iter(record)):
                        out.append(f"{where}/{child.tag}: alone")
                    compare(child, children[j], f"{where}/{child.tag}")
                    at = j + 1

        if not out:
            compare(kept, orig, kept.tag)
        return out[:6]

    return check


class _Html(html.parser.HTMLParser):
    VOID = {"br", "img", "hr", "meta", "link", "input", "col"}
    BLOCK = {"h1", "h2", "h3", "h4", "p", "li", "dt", "dd", "tr", "caption"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.bad, self.found, self.path = [], [], [], {}
        self.buf, self.block = "", None
        self.lead = self.term = None
        self.table = self.list = None
        self.cells = None

    def handle_starttag(self, tag, attrs):
        if tag in self.VOID:
            return
        self.open.append(tag)
        if tag == "table":
            self.table = {"caption": "", "head": [], "rows": 0, "lead": self.lead}
        elif tag in ("ul", "ol", "dl"):
            self.list = {"items": 0, "lead": self.lead, "tag": tag}
        elif tag == "tr":
            self.cells = []
        if tag in self.BLOCK:
            self.block, self.buf = tag, ""
        elif tag in ("td", "th"):
            self.buf = ""

    def handle_data(self, data):
        if self.block is None and data.strip():
            self.bad.append(f"text outside of a block: {data.strip()[:50]!r}")
        self.buf += data

    def where(self):
        return tuple(self.path[k] for k in sorted(self.path))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.bad.append(f"</{tag}> closes nothing (open: {self.open[-3:]})")
            return
        self.open.pop()
        text = " ".join(self.buf.split())
        if tag in ("h1", "h2", "h3", "h4"):
            n = int(tag[1])
            self.path = {k: v for k, v in self.path.items() if k < n}
            self.path[n] = text
            self.found.append(("heading", n, text))
            self.lead = None
        elif tag == "p":
            if text.endswith(":"):
                self.found.append(("lead", self.where(), text))
                self.lead = text
            else:
                self.found.append(("p", self.where(), text))
                self.lead = None
        elif tag == "li":
            self.list["items"] += 1
            self.found.append(("li", self.where(), self.list["lead"], text))
        elif tag == "dt":
            self.term = text
            self.found.append(("dt", self.where(), text))
        elif tag == "dd":
            self.list["items"] += 1
            self.found.append(("dd", self.where(), self.term, text))
        elif tag == "caption":
            self.table["caption"] = text
        elif tag in ("td", "th"):
            self.cells.append((tag, text))
        elif tag == "tr":
            if any(t == "td" for t, _ in self.cells):
                self.table["rows"] += 1
                self.found.append(
                    (
                        "tr",
                        self.where(),
                        self.table["lead"],
                        self.table["caption"],
                        tuple(self.table["head"]),
                        tuple(self.cells),
                    )
                )
            else:
                self.table["head"].append(tuple(self.cells))
        elif tag in ("ul", "ol", "dl"):
            if not self.list["items"]:
                self.bad.append("list without items")
            self.lead = None
        elif tag == "table":
            if not self.table["rows"]:
                self.bad.append("table without rows")
            self.lead = None
        if tag in self.BLOCK:
            self.block = None


def _html(text):
    parser = _Html()
    try:
        parser.feed(text)
        parser.close()
    except Exception as error:  # rows without table and the like
        parser.bad.append(f"broken HTML: {type(error).__name__}")
    if parser.open:
        parser.bad.append(f"never closed: {parser.open}")
    if re.search(r"<[^>]*$|^[^<]*>", text):
        parser.bad.append("a tag is cut")
    return parser


def html_check(context, documents):
    if not context.strip():
        return []
    kept, orig = _html(context), _html(text_of(documents[0]))
    assert not orig.bad, orig.bad
    out = list(kept.bad)
    at = 0
    notes = []

    def same(a, b):
        """None, or which headings are missing: () none, ('soft',) upper ones, ('hard',) its own."""
        if a[0] != b[0]:
            return None
        if a[0] == "heading":
            return () if a == b else None
        if a[2:] != b[2:] or not set(a[1]) <= set(b[1]):
            return None
        return () if a[1] == b[1] else ("soft",) if a[1] and a[1][-1] == b[1][-1] else ("hard",)

    for unit in kept.found:
        tries = [(same(unit, orig.found[j]), j) for j in range(at, len(orig.found))]
        tries = [t for t in tries if t[0] is not None]
        if not tries:
            out.append(f"not whole or not where it was: {unit!r}"[:230])
            continue
        how, j = min(tries, key=lambda t: (len(t[0]) and 1 + (t[0][0] == "hard"), t[1]))
        if how == ("hard",):
            out.append(f"without its heading: {unit!r}"[:230])
        elif how:
            notes.append(f"soft: without an upper heading: {unit!r}"[:150])
        at = j + 1
    for n, unit in enumerate(kept.found):
        rest = kept.found[n + 1 :]
        if unit[0] == "heading":
            body = list(itertools.takewhile(lambda u: u[0] != "heading" or u[1] > unit[1], rest))
            if not any(u[0] in ("p", "li", "dd", "tr") for u in body):
                out.append(f"heading alone: {unit[2]!r}")
        elif unit[0] in ("lead", "dt"):
            if (
                not rest
                or (unit[0] == "lead" and rest[0][0] not in ("li", "tr", "dt"))
                or (unit[0] == "dt" and rest[0][0] != "dd")
            ):
                out.append(f"alone: {unit[2]!r}")
    return (out + notes)[:8]


def indented(text, whole=lambda line: False):
    """Notation for an indented text (YAML): a line needs the lines it stands under; an item '- key:' is whole."""
    lines = text.strip("\n").split("\n")
    out, item = [], None
    solid = [x for x in lines if x.strip()]
    for n, line in enumerate(lines):
        if not line.strip():
            out.append("")
            continue
        depth = len(line) - len(line.lstrip())
        if item is not None and depth > item:
            out.append(f"{depth}+|{line}")
            continue
        item = None
        if line.lstrip().startswith("#"):
            out.append(f"{depth}~|{line}")
            continue
        following = next((x for x in lines[n + 1 :] if x.strip() and not x.lstrip().startswith("#")), "")
        deeper = len(following) - len(following.lstrip()) > depth
        if line.lstrip().startswith("- ") or whole(line):
            item = depth
            out.append(f"{depth}.|{line}")
        else:
            out.append(f"{depth}{'>' if deeper else '.'}|{line}")
    return "\n".join(out)


def yaml_check(wrap):
    def check(context, documents):
        if not context.strip():
            return []
        try:
            import yaml
        except ImportError:
            return []
        try:
            kept = list(yaml.safe_load_all(context))
        except yaml.YAMLError as error:
            return [f"no YAML: {str(error)[:120]}"]
        orig = list(yaml.safe_load_all(text_of(documents[0])))
        return sub(kept, orig, wrap)

    return check


def python_check(context, documents):
    import ast

    try:
        ast.parse(context)
    except SyntaxError as error:
        return [f"no Python: {error}"]
    return []


def balanced(pairs):
    """LaTeX and the like: what opens closes."""

    def check(context, documents):
        out = []
        for a, b in pairs:
            if context.count(a) != context.count(b):
                out.append(f"{a} {context.count(a)} times, {b} {context.count(b)} times")
        return out

    return check
