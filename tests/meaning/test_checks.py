"""The checks against right and wrong contexts, made by hand or from the rules. Runs no compressor."""

import json
import random
import re
import sys
import time
import inputs as I
from checks import units

bad = tests = 0


def expect(ok, entry, context, what):
    global bad, tests
    tests += 1
    t = time.time()
    faults = [f for f in entry["check"](context, entry["documents"]) if not f.startswith("soft: ")]
    if time.time() - t > 3:
        print("SLOW", entry["name"], what, round(time.time() - t, 1))
    if bool(faults) == ok:
        bad += 1
        print(
            "UNEXPECTED",
            entry["name"],
            what,
            "should be",
            "right" if ok else "wrong",
            faults[:3],
            "\n   ",
            repr(context[:400]),
        )


by = {e["name"]: e for e in I.INPUTS}
assert len(by) == len(I.INPUTS)
rng = random.Random(1)
for e in I.INPUTS:
    joined = "\n\n".join(d if isinstance(d, str) else (d["title"] + "\n" + d["text"]) for d in e["documents"])
    assert e["wanted"] in joined, (e["name"], e["wanted"])
    expect(True, e, joined, "whole")
    expect(True, e, "", "empty")
    docs = getattr(e["check"], "docs", ())
    for d in docs:
        for i, a in enumerate(d.atoms):
            kept = d.closure(i)
            done = False
            while not done:  # give containers something
                done = True
                for h, group in d.anyof:
                    if h in kept and not kept & set(group):
                        kept |= d.closure(group[0])
                        done = False
            text = d.render(kept)
            if e["name"] not in ("yaml-compose", "yaml-alerts"):
                expect(True, e, text, f"smallest with {a.text[:30]!r}")
            if (
                len(kept) > 1
                and any(x == i and (x, y) not in d.soft for x, y in d.needs)
                and not a.raw.startswith(" ")
                and e["name"] != "yaml-compose"
            ):
                # alone, where its text is not elsewhere
                if sum(x.text == a.text for y in docs for x in y.atoms) == 1:
                    expect(False, e, a.text, f"alone {a.text[:30]!r}")
            if a.colon or (">" in a.flags and a.group >= 0 and "o" not in a.flags):
                up = {j for j in d.closure(i)}
                if all(">" in d.atoms[j].flags or d.atoms[j].colon for j in up):
                    expect(False, e, d.render(up), f"container alone {a.text[:30]!r}")
            words = a.text.split()
            if len(words) > 4 and " ".join(words[:-1]) != a.text:
                expect(
                    False,
                    e,
                    text.replace(a.text, a.text[: len(a.text) - len(words[-1])].rstrip()),
                    f"cut {a.text[:30]!r}",
                )
        expect(
            False,
            e,
            re.sub(r"\s*\n\s*", " ", d.body) if len(d.atoms) > 3 and any("." in a.flags for a in d.atoms) else "x y z",
            "glued lines",
        )


def case(name, ok, context, what):
    expect(ok, by[name], context, what)


# By hand
case(
    "lease-de",
    False,
    "§ 8 Gebrauch durch Dritte\n(1) Die Untervermietung ist dem Mieter nur gestattet, wenn\na) er ein berechtigtes Interesse nachweist,",
    "tail lost",
)
case(
    "lease-de",
    True,
    "§ 9 Tierhaltung\n(1) Kleintiere wie Hamster und Zierfische dürfen ohne Zustimmung gehalten werden.",
    "right",
)
case(
    "lease-de",
    False,
    "§ 8 Gebrauch durch Dritte\n(1) Kleintiere wie Hamster und Zierfische dürfen ohne Zustimmung gehalten werden.",
    "wrong heading",
)
case("lease-de", False, "§ 10 Schönheitsreparaturen\nDie Kosten trägt der Mieter.", "number lost")
case("lease-de", True, "§ 10 Schönheitsreparaturen\n(2) Die Kosten trägt der Mieter.", "number kept")
case("faq-plain-es", False, "¿Se admiten bicicletas a bordo?\nSí.", "another's answer")
case("faq-plain-es", True, "¿Se admiten bicicletas a bordo?\nNo.\n\n¿Hay wifi gratuito?\nNo.", "pairs")
case("faq-plain-es", False, "¿Hay wifi gratuito?\nNo.\n¿Se admiten bicicletas a bordo?\nNo.", "order")
case("faq-plain-es", False, "No.\nSí.", "answers alone")
case(
    "faq-bold-fr",
    False,
    "# Piscine municipale des Tilleuls\n**Puis-je annuler mon abonnement annuel ?**\nNon.",
    "another's answer",
)
case(
    "faq-headings-en",
    False,
    "# Wayfarer accessories\n## Roof rack\n### Does the roof rack fit the hybrid?\nYes, without an adapter.",
    "wrong answer",
)
case("faq-headings-en", True, "### Does the roof rack fit the estate?\nYes, without an adapter.", "no section: soft")
case(
    "faq-headings-en",
    False,
    "## Roof rack\n### How much may I load?\nCheck the bolts every 500 km.\n### Are the mats washable?\nUse cold water and a brush.",
    "under another section",
)
case(
    "dosage-en",
    False,
    "Veltarin 500 mg\nAdults may take one tablet of Veltarin every six hours, but not more than four tablets (2 g) in a day,",
    "cut",
)
case(
    "dosage-en",
    True,
    "Lunaxol\nThe tube holds 50 g.\n\nVeltarin 500 mg\nIt may be taken with food.",
    "documents in another order",
)
case("dosage-en", True, "Veltarin 500 mg\nThe tablets are round and white. It may be taken with food.", "prose joined")
case("dosage-en", False, "Veltarin 500 mg\nThe tablets are round and white.It may be taken with food.", "glued")
case("dosage-en", False, "Lunaxol", "title alone")
case("garantie-de", False, "Der Akku ist, von der Garantie erfasst.", "negation lost")
T = "# Half-year figures\n## Divisions\nTable 3. Revenue and net margin by division, in million pounds and percent\n|  | 2022 | | 2023 | |\n|---|---:|---:|---:|---:|\n| Division | Revenue | Margin | Revenue | Margin |\n| Rail | 402 | 6.1 | 455 | 7.4 |"
case("tables-page-en", True, T, "row")
case(
    "tables-page-en",
    False,
    T.replace("| Division | Revenue | Margin | Revenue | Margin |\n", ""),
    "second header row lost",
)
case(
    "tables-page-en",
    False,
    T.replace("Table 3. Revenue and net margin by division, in million pounds and percent\n", ""),
    "caption lost",
)
case(
    "tables-page-en",
    False,
    "# Half-year figures\n## Staff\n| Division | Full time | Part time |\n|---|---:|---:|\n| Rail | 3,110 | 240 |",
    "caption below lost",
)
case("csv-de", False, 'Artikel;Bezeichnung;Preis netto (EUR);Lager;Bemerkung\nNachfolger ist 1014"', "field cut")
case("whatsapp-es", False, "12/5/24, 18:09 - Tomás: Llevo el pan.", "another speaker")
case("whatsapp-es", False, "12/5/24, 18:24 - Paula:\nNo me esperéis para cenar.", "speaker on another line")
case("whatsapp-es", True, "12/5/24, 18:24 - Paula: No me esperéis para cenar.", "sentence with speaker")
case("slack-en", False, "#incident-4471\nDana Whitlock  9:07 AM\nTrying eu-west-3 now.", "another speaker")
case("mail-thread-en", False, "> > The asking price is 44,900 euros.", "quote alone")
H = json.dumps
q = {
    "hotel": "Quinta das Camélias",
    "stars": 4,
    "rooms": [{"type": "double", "price": 132, "refundable": True}],
    "pets": "yes, 10 euros a night",
}
case(
    "json-nested-minified",
    True,
    H({"status": "ok", "query": {"city": "Porto", "nights": 2}, "results": [q]}, ensure_ascii=False),
    "record",
)
case(
    "json-nested-minified",
    False,
    H({"status": "ok", "results": [{k: v for k, v in q.items() if k != "hotel"}]}, ensure_ascii=False),
    "no name",
)
case("json-nested-minified", False, H({"results": [dict(q, hotel="Foz Hostel")]}, ensure_ascii=False), "another's")
case("json-nested-minified", False, H([q], ensure_ascii=False), "shape")
case("json-nested-minified", False, H({"status": "ok", "results": []}), "empty")
case("json-nested-minified", False, '{"status":"ok","results":[{"hotel":"Foz Hostel"', "no parse")
case(
    "json-nested-minified",
    False,
    H({"results": [dict(q, rooms=[{"type": "double", "price": 132}])]}, ensure_ascii=False),
    "room cut",
)
case(
    "json-pretty-by-key",
    True,
    H({"generated": "2024-11-02", "teams": {"search": I.TEAMS["teams"]["search"]}}, indent=2),
    "record",
)
case("json-pretty-by-key", False, H({"teams": {"search": I.TEAMS["teams"]["data"]}}), "another's")
case("json-pretty-by-key", False, H({"teams": {"search": {"lead": "Jonas Lind"}}}), "part")
case("json-lines-events", True, H(I.EVENTS[2]) + "\n" + H(I.EVENTS[5]), "records")
case("json-lines-events", False, H({k: v for k, v in I.EVENTS[2].items() if k != "reason"}), "part")
S = json.loads(by["json-stdout"]["documents"][0])
case("json-stdout", True, H(dict(S, stdout=S["stdout"].split("\n")[9])), "line")
case("json-stdout", False, H(dict(S, stdout=S["stdout"].split("\n")[9][5:])), "cut line")
case("json-stdout", False, S["stdout"].split("\n")[9], "no JSON")
case("yaml-compose", True, "services:\n  worker:\n    environment:\n      TIMEOUT: 900", "path")
case("yaml-compose", False, "services:\n  worker:\n    environment:\n  mail:\n      TIMEOUT: 15", "moved")
case("yaml-compose", False, "services:\n  web:\n    environment:\n      TIMEOUT: 900", "another's")
case("yaml-compose", False, "TIMEOUT: 900", "no path")
case("yaml-compose", False, "services:\n  worker:\n    environment:", "alone")
case(
    "yaml-compose",
    False,
    "services:\n  mail:\n    environment:\n      # seconds, not milliseconds\n      TIMEOUT: 15",
    "comment of another",
)
case(
    "yaml-alerts",
    True,
    "alerts:\n" + I.K8S[I.K8S.index("  - name: CertExpiry") : I.K8S.index("  - name: NoBackups")],
    "record",
)
case("yaml-alerts", False, "alerts:\n  - name: CertExpiry\n    labels:\n      severity: page", "cut record")
R = I.RSS
item = R[R.index("    <item>\n      <title>Mooring") : R.index("    <item>\n      <title>Dredging")]
head = R[: R.index("    <item>")]
case("xml-feed", True, head + item + "  </channel>\n</rss>", "record")
case("xml-feed", False, head + "  </channel>\n</rss>", "shell")
case("xml-feed", False, head + item, "no parse")
case(
    "xml-feed",
    False,
    head + item.replace("<title>Mooring fees</title>", "<title>Dredging</title>") + "</channel></rss>",
    "another's",
)
case("xml-feed", False, head + item.replace("<category>fees</category>", "") + "</channel></rss>", "cut")
B = I.BUS
sat = "<h1>Bus timetables</h1>\n<h2>Line 12, Saturdays</h2>\n<table>\n<thead>\n<tr><th>Stop</th><th>first</th><th>noon</th><th>last</th></tr>\n</thead>\n<tbody>\n<tr><td>Airport</td><td>7:35</td><td>13:05</td><td>22:35</td></tr>\n</tbody>\n</table>"
case("html-timetables", True, sat, "row")
case("html-timetables", False, sat.replace("<h2>Line 12, Saturdays</h2>\n", ""), "no heading")
case("html-timetables", False, sat.replace("Saturdays", "Mondays to Fridays"), "another heading")
case("html-timetables", False, sat.replace("\n</table>", ""), "not closed")
case(
    "html-timetables",
    False,
    sat.replace("<tr><td>Airport</td><td>7:35</td><td>13:05</td><td>22:35</td></tr>\n", ""),
    "no rows",
)
case(
    "html-timetables",
    False,
    "<h1>Bus timetables</h1><h2>Fares</h2><p>You travel free of charge if you:</p>",
    "lead alone",
)
case(
    "html-timetables",
    False,
    "<h1>Bus timetables</h1><h2>Fares</h2><ul><li>are under six years old;</li></ul>",
    "no lead",
)
case(
    "html-timetables",
    True,
    "<h1>Bus timetables</h1><h2>Fares</h2><p>You travel free of charge if you:</p><ul><li>are under six years old;</li></ul>",
    "lead and item",
)
case(
    "html-timetables",
    False,
    "<h1>Bus timetables</h1><h2>Fares</h2><dl><dt>Single</dt><dt>Day pass</dt><dd>7.50 euros, not on night buses</dd></dl>",
    "term alone",
)
case(
    "html-minified",
    True,
    "<div><h2>Cable</h2><p>Prices a month, first year:</p><table><tr><th>Plan</th><th>Price</th><th>Term</th></tr><tr><td>M</td><td>24.90</td><td>12 months</td></tr></table></div>",
    "row",
)
case(
    "html-minified",
    False,
    "<div><h2>Fibre</h2><p>Prices a month, first year:</p><table><tr><th>Plan</th><th>Price</th><th>Term</th></tr><tr><td>M</td><td>24.90</td><td>12 months</td></tr></table></div>",
    "another heading",
)
case("html-minified", False, "<div><h2>Cable</h2><h3>Not included</h3></div>", "heading alone")
P = by["python-code"]["documents"][0]
rel = P[P.index("    # Does not") : P.index("    @property")]
case("python-code", True, "class LeaseTable:\n" + rel, "method")
case("python-code", False, rel.strip(), "no class")
case(
    "python-code",
    False,
    "class LeaseTable:\n" + rel.replace("            if holder != owner:\n                return False\n", ""),
    "body cut",
)
case("python-code", False, "class NullTable(LeaseTable):\n" + rel, "another class")
case(
    "python-code",
    False,
    "class LeaseTable:\n    # Does not raise for a lease that has run out.\n    @property\n    def size(self):\n        return len(self._held)",
    "comment of another",
)
case("diff", False, "+SESSION_HOURS = 8", "line alone")
case("log-stacktrace", False, "Caused by: java.sql.SQLTimeoutException: no connection after 3000 ms", "trace alone")
K = by["kubectl-ps"]["documents"][0].split("\n")
case("kubectl-ps", True, "\n".join([K[7], K[8], K[9]]), "row")
case("kubectl-ps", False, "\n".join([K[0], K[1], K[9]]), "another namespace")
case("kubectl-ps", False, "\n".join([K[7], K[9]]), "no header")
case("srt-fr", False, "5\n00:00:56,400 --> 00:00:59,900\nLa clé n'est pas dans le tiroir,", "cut cue")
case("srt-fr", False, "La clé n'est pas dans le tiroir,\nelle est sous le pot bleu.", "no time")
case(
    "latex",
    False,
    "\\section{Truncation}\nThe three cases are\n\\begin{enumerate}\n  \\item $n$ odd, which follows from Lemma~2;",
    "not closed",
)
case(
    "latex",
    True,
    "\\section{Truncation}\nThe three cases are\n\\begin{enumerate}\n  \\item $n$ odd, which follows from Lemma~2;\n\\end{enumerate}",
    "closed",
)
case(
    "rst-options",
    False,
    "Command line\n============\n.. option:: --workers <n>\n\n   The default is 25.",
    "another's default",
)
case(
    "rst-options", True, "Command line\n============\n\n.. option:: --grace <seconds>\n\n   The default is 25.", "right"
)
case("man-page", True, "OPTIONS\n       -k, --keep\n              Keep the backup file, whose name ends in ~.", "right")
case(
    "man-page",
    False,
    "OPTIONS\n       -k, --keep\n              Keep the backup file, whose name ends in ~. Without this option\n              it is removed",
    "cut",
)
case(
    "pdf-numbered",
    False,
    "3 Investments\n3.2 Library\nCosts of 1.7 million euros were rejected by the council in May.",
    "another section",
)
case("pdf-numbered", True, "3.2 Library\n\nBuilding will not begin before 2026.", "no upper heading: soft")
case("preise-zh", False, "云山茶庄价目表（2024年秋）\n二、普洱\n每饼198元，满十饼九折。", "no name")
case("preise-zh", True, "云山茶庄价目表（2024年秋）\n二、普洱\n5. 普洱茶饼（熟），每饼198元，满十饼九折。", "right")
case(
    "protokoll-de",
    False,
    "Protokoll der Mitgliederversammlung vom 14. März\nTOP 3: Sommerfest\nBeschluss: Einstimmig angenommen.",
    "another item",
)
case("recette-fr", False, "## Tarte aux poires\nPour la crème :\n- 80 g de sucre", "another list")
case("recette-fr", False, "## Riz au lait\nPour la crème :\n- 60 g de sucre", "another recipe")
case(
    "mail-thread-en",
    False,
    "I agree to 41,500 euros if you pay before the end of June and collect the boat yourself.",
    "no sender",
)
case(
    "mail-thread-en",
    False,
    "From: Helena Brandt <helena@brandt-boats.example>\n> My offer is 38,000 euros, dinghy included.",
    "no writer",
)
case(
    "mail-thread-en",
    True,
    "On Mon, 3 Jun 2024 at 09:11, Owen Pryce wrote:\n> My offer is 38,000 euros, dinghy included.",
    "writer",
)
case(
    "mail-thread-en",
    False,
    "On Mon, 3 Jun 2024 at 09:11, Owen Pryce wrote:\n> > The asking price is 44,900 euros.",
    "another writer",
)
case(
    "grep-heading",
    True,
    "$ rg -C1 --heading max_connections conf/\nconf/reporting.ini\n6:max_connections = 500",
    "line with file",
)
case("grep-heading", False, "conf/replica.ini\n6:max_connections = 500", "another file")
case(
    "log-stacktrace",
    True,
    "2024-09-03 02:11:09,001 ERROR [pool-3] OrderJob - order 88121 failed\nCaused by: java.sql.SQLTimeoutException: no connection after 3000 ms",
    "entry and cause",
)
case(
    "log-stacktrace",
    False,
    "2024-09-03 02:11:06,002 ERROR [pool-2] OrderJob - order 88120 failed\nCaused by: java.sql.SQLTimeoutException: no connection after 3000 ms",
    "another entry's cause",
)
case("protokoll-de", True, "TOP 2: Spielplatz\nBeschluss: Der Zaun wird bis zum 30. Juni repariert.", "right")
case("recette-fr", True, by["recette-fr"]["documents"][0].split("## Riz")[0], "half")
print(tests, "contexts,", len(by), "inputs,", bad, "unexpected")
sys.exit(bool(bad))
