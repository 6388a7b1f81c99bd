"""Contexts made by hand, and whether they mean what the documents of their input say."""

from __future__ import annotations

import json
from dataclasses import dataclass

from meaning.checks import text_of
from meaning.inputs import INPUTS
from meaning.inputs_data import ALERTS, EVENTS, STDOUT, TEAMS
from meaning.inputs_markup import FEED


@dataclass(frozen=True)
class ByHand:
    name: str  # of the input
    what: str
    context: str
    is_right: bool


def right(name: str, what: str, *lines: str) -> ByHand:
    return ByHand(name, what, "\n".join(lines), is_right=True)


def wrong(name: str, what: str, *lines: str) -> ByHand:
    return ByHand(name, what, "\n".join(lines), is_right=False)


def document_of(name: str) -> str:
    (document,) = next(entry.documents for entry in INPUTS if entry.name == name)
    return text_of(document)


def between(text: str, start: str, end: str) -> str:
    """A part of a text, from where it begins to where the next one does."""
    return text[text.index(start) : text.index(end)]


CAPTION = "Table 3. Revenue and net margin by division, in million pounds and percent\n"
SECOND_HEADER = "| Division | Revenue | Margin | Revenue | Margin |\n"
RAIL = (
    f"# Half-year figures\n## Divisions\n{CAPTION}|  | 2022 | | 2023 | |\n|---|---:|---:|---:|---:|\n{SECOND_HEADER}"
    "| Rail | 402 | 6.1 | 455 | 7.4 |"
)
QUINTA = {
    "hotel": "Quinta das Camélias",
    "stars": 4,
    "rooms": [{"type": "double", "price": 132, "refundable": True}],
    "pets": "yes, 10 euros a night",
}
SHELL = json.loads(document_of("json-stdout"))
FAILED_TEST = STDOUT.split("\n")[9]
CERT_EXPIRY = between(ALERTS, "  - name: CertExpiry", "  - name: NoBackups")
HEAD = FEED[: FEED.index("    <item>")]
MOORING = between(FEED, "    <item>\n      <title>Mooring", "    <item>\n      <title>Dredging")
AIRPORT = "<tr><td>Airport</td><td>7:35</td><td>13:05</td><td>22:35</td></tr>\n"
SATURDAYS = (
    "<h1>Bus timetables</h1>\n<h2>Line 12, Saturdays</h2>\n<table>\n<thead>\n"
    "<tr><th>Stop</th><th>first</th><th>noon</th><th>last</th></tr>\n"
    f"</thead>\n<tbody>\n{AIRPORT}</tbody>\n</table>"
)
FARES = "<h1>Bus timetables</h1><h2>Fares</h2>"
CABLE = (
    "<div><h2>Cable</h2><p>Prices a month, first year:</p>"
    "<table><tr><th>Plan</th><th>Price</th><th>Term</th></tr>"
    "<tr><td>M</td><td>24.90</td><td>12 months</td></tr></table></div>"
)
RELEASE = between(document_of("python-code"), "    # Does not", "    @property")
PODS = document_of("kubectl-ps").split("\n")

BY_HAND = [
    wrong(
        "lease-de",
        "tail lost",
        "§ 8 Gebrauch durch Dritte",
        "(1) Die Untervermietung ist dem Mieter nur gestattet, wenn",
        "a) er ein berechtigtes Interesse nachweist,",
    ),
    right(
        "lease-de",
        "right",
        "§ 9 Tierhaltung",
        "(1) Kleintiere wie Hamster und Zierfische dürfen ohne Zustimmung gehalten werden.",
    ),
    wrong(
        "lease-de",
        "wrong heading",
        "§ 8 Gebrauch durch Dritte",
        "(1) Kleintiere wie Hamster und Zierfische dürfen ohne Zustimmung gehalten werden.",
    ),
    wrong("lease-de", "number lost", "§ 10 Schönheitsreparaturen", "Die Kosten trägt der Mieter."),
    right("lease-de", "number kept", "§ 10 Schönheitsreparaturen", "(2) Die Kosten trägt der Mieter."),
    wrong("faq-plain-es", "another's answer", "¿Se admiten bicicletas a bordo?", "Sí."),
    right("faq-plain-es", "pairs", "¿Se admiten bicicletas a bordo?", "No.", "", "¿Hay wifi gratuito?", "No."),
    wrong("faq-plain-es", "order", "¿Hay wifi gratuito?", "No.", "¿Se admiten bicicletas a bordo?", "No."),
    wrong("faq-plain-es", "answers alone", "No.", "Sí."),
    wrong(
        "faq-bold-fr",
        "another's answer",
        "# Piscine municipale des Tilleuls",
        "**Puis-je annuler mon abonnement annuel ?**",
        "Non.",
    ),
    wrong(
        "faq-headings-en",
        "wrong answer",
        "# Wayfarer accessories",
        "## Roof rack",
        "### Does the roof rack fit the hybrid?",
        "Yes, without an adapter.",
    ),
    right("faq-headings-en", "no section: soft", "### Does the roof rack fit the estate?", "Yes, without an adapter."),
    wrong(
        "faq-headings-en",
        "under another section",
        "## Roof rack",
        "### How much may I load?",
        "Check the bolts every 500 km.",
        "### Are the mats washable?",
        "Use cold water and a brush.",
    ),
    wrong(
        "dosage-en",
        "cut",
        "Veltarin 500 mg",
        "Adults may take one tablet of Veltarin every six hours, but not more than four tablets (2 g) in a day,",
    ),
    right(
        "dosage-en",
        "documents in another order",
        "Lunaxol",
        "The tube holds 50 g.",
        "",
        "Veltarin 500 mg",
        "It may be taken with food.",
    ),
    right(
        "dosage-en", "prose joined", "Veltarin 500 mg", "The tablets are round and white. It may be taken with food."
    ),
    wrong("dosage-en", "glued", "Veltarin 500 mg", "The tablets are round and white.It may be taken with food."),
    wrong("dosage-en", "title alone", "Lunaxol"),
    wrong("garantie-de", "negation lost", "Der Akku ist, von der Garantie erfasst."),
    right("tables-page-en", "row", RAIL),
    wrong(
        "tables-page-en",
        "second header row lost",
        RAIL.replace(SECOND_HEADER, ""),
    ),
    wrong(
        "tables-page-en",
        "caption lost",
        RAIL.replace(CAPTION, ""),
    ),
    wrong(
        "tables-page-en",
        "caption below lost",
        "# Half-year figures",
        "## Staff",
        "| Division | Full time | Part time |",
        "|---|---:|---:|",
        "| Rail | 3,110 | 240 |",
    ),
    wrong("csv-de", "field cut", "Artikel;Bezeichnung;Preis netto (EUR);Lager;Bemerkung", 'Nachfolger ist 1014"'),
    wrong("whatsapp-es", "another speaker", "12/5/24, 18:09 - Tomás: Llevo el pan."),
    wrong("whatsapp-es", "speaker on another line", "12/5/24, 18:24 - Paula:", "No me esperéis para cenar."),
    right("whatsapp-es", "sentence with speaker", "12/5/24, 18:24 - Paula: No me esperéis para cenar."),
    wrong("slack-en", "another speaker", "#incident-4471", "Dana Whitlock  9:07 AM", "Trying eu-west-3 now."),
    wrong("mail-thread-en", "quote alone", "> > The asking price is 44,900 euros."),
    right(
        "json-nested-minified",
        "record",
        json.dumps({"status": "ok", "query": {"city": "Porto", "nights": 2}, "results": [QUINTA]}, ensure_ascii=False),
    ),
    wrong(
        "json-nested-minified",
        "no name",
        json.dumps(
            {"status": "ok", "results": [{key: QUINTA[key] for key in ("stars", "rooms", "pets")}]}, ensure_ascii=False
        ),
    ),
    wrong(
        "json-nested-minified",
        "another's",
        json.dumps({"results": [QUINTA | {"hotel": "Foz Hostel"}]}, ensure_ascii=False),
    ),
    wrong("json-nested-minified", "shape", json.dumps([QUINTA], ensure_ascii=False)),
    wrong("json-nested-minified", "empty", json.dumps({"status": "ok", "results": []})),
    wrong("json-nested-minified", "no parse", '{"status":"ok","results":[{"hotel":"Foz Hostel"'),
    wrong(
        "json-nested-minified",
        "room cut",
        json.dumps({"results": [QUINTA | {"rooms": [{"type": "double", "price": 132}]}]}, ensure_ascii=False),
    ),
    right(
        "json-pretty-by-key",
        "record",
        json.dumps({"generated": "2024-11-02", "teams": {"search": TEAMS["teams"]["search"]}}, indent=2),
    ),
    wrong("json-pretty-by-key", "another's", json.dumps({"teams": {"search": TEAMS["teams"]["data"]}})),
    wrong("json-pretty-by-key", "part", json.dumps({"teams": {"search": {"lead": "Jonas Lind"}}})),
    right("json-lines-events", "records", json.dumps(EVENTS[2]), json.dumps(EVENTS[5])),
    wrong("json-lines-events", "part", json.dumps({key: value for key, value in EVENTS[2].items() if key != "reason"})),
    right("json-stdout", "line", json.dumps(SHELL | {"stdout": FAILED_TEST})),
    wrong("json-stdout", "cut line", json.dumps(SHELL | {"stdout": FAILED_TEST[5:]})),
    wrong("json-stdout", "no JSON", FAILED_TEST),
    right("yaml-compose", "path", "services:", "  worker:", "    environment:", "      TIMEOUT: 900"),
    wrong("yaml-compose", "moved", "services:", "  worker:", "    environment:", "  mail:", "      TIMEOUT: 15"),
    wrong("yaml-compose", "another's", "services:", "  web:", "    environment:", "      TIMEOUT: 900"),
    wrong("yaml-compose", "no path", "TIMEOUT: 900"),
    wrong("yaml-compose", "alone", "services:", "  worker:", "    environment:"),
    wrong(
        "yaml-compose",
        "comment of another",
        "services:",
        "  mail:",
        "    environment:",
        "      # seconds, not milliseconds",
        "      TIMEOUT: 15",
    ),
    right(
        "yaml-alerts",
        "record",
        "alerts:",
        CERT_EXPIRY,
    ),
    wrong("yaml-alerts", "cut record", "alerts:", "  - name: CertExpiry", "    labels:", "      severity: page"),
    right("xml-feed", "record", HEAD + MOORING + "  </channel>\n</rss>"),
    wrong("xml-feed", "shell", HEAD + "  </channel>\n</rss>"),
    wrong("xml-feed", "no parse", HEAD + MOORING),
    wrong(
        "xml-feed",
        "another's",
        HEAD + MOORING.replace("<title>Mooring fees</title>", "<title>Dredging</title>") + "</channel></rss>",
    ),
    wrong("xml-feed", "cut", HEAD + MOORING.replace("<category>fees</category>", "") + "</channel></rss>"),
    right("html-timetables", "row", SATURDAYS),
    wrong("html-timetables", "no heading", SATURDAYS.replace("<h2>Line 12, Saturdays</h2>\n", "")),
    wrong("html-timetables", "another heading", SATURDAYS.replace("Saturdays", "Mondays to Fridays")),
    wrong("html-timetables", "not closed", SATURDAYS.replace("\n</table>", "")),
    wrong(
        "html-timetables",
        "no rows",
        SATURDAYS.replace(AIRPORT, ""),
    ),
    wrong("html-timetables", "lead alone", FARES + "<p>You travel free of charge if you:</p>"),
    wrong("html-timetables", "no lead", FARES + "<ul><li>are under six years old;</li></ul>"),
    right(
        "html-timetables",
        "lead and item",
        FARES + "<p>You travel free of charge if you:</p><ul><li>are under six years old;</li></ul>",
    ),
    wrong(
        "html-timetables",
        "term alone",
        FARES + "<dl><dt>Single</dt><dt>Day pass</dt><dd>7.50 euros, not on night buses</dd></dl>",
    ),
    right(
        "html-minified",
        "row",
        CABLE,
    ),
    wrong(
        "html-minified",
        "another heading",
        CABLE.replace("Cable", "Fibre"),
    ),
    wrong("html-minified", "heading alone", "<div><h2>Cable</h2><h3>Not included</h3></div>"),
    right("python-code", "method", "class LeaseTable:", RELEASE),
    wrong("python-code", "no class", RELEASE.strip()),
    wrong(
        "python-code",
        "body cut",
        "class LeaseTable:",
        RELEASE.replace("            if holder != owner:\n                return False\n", ""),
    ),
    wrong("python-code", "another class", "class NullTable(LeaseTable):", RELEASE),
    wrong(
        "python-code",
        "comment of another",
        "class LeaseTable:",
        "    # Does not raise for a lease that has run out.",
        "    @property",
        "    def size(self):",
        "        return len(self._held)",
    ),
    wrong("diff", "line alone", "+SESSION_HOURS = 8"),
    wrong("log-stacktrace", "trace alone", "Caused by: java.sql.SQLTimeoutException: no connection after 3000 ms"),
    right("kubectl-ps", "row", PODS[7], PODS[8], PODS[9]),
    wrong("kubectl-ps", "another namespace", PODS[0], PODS[1], PODS[9]),
    wrong("kubectl-ps", "no header", PODS[7], PODS[9]),
    wrong("srt-fr", "cut cue", "5", "00:00:56,400 --> 00:00:59,900", "La clé n'est pas dans le tiroir,"),
    wrong("srt-fr", "no time", "La clé n'est pas dans le tiroir,", "elle est sous le pot bleu."),
    wrong(
        "latex",
        "not closed",
        r"\section{Truncation}",
        "The three cases are",
        r"\begin{enumerate}",
        r"  \item $n$ odd, which follows from Lemma~2;",
    ),
    right(
        "latex",
        "closed",
        r"\section{Truncation}",
        "The three cases are",
        r"\begin{enumerate}",
        r"  \item $n$ odd, which follows from Lemma~2;",
        r"\end{enumerate}",
    ),
    wrong(
        "rst-options",
        "another's default",
        "Command line",
        "============",
        ".. option:: --workers <n>",
        "",
        "   The default is 25.",
    ),
    right(
        "rst-options",
        "right",
        "Command line",
        "============",
        "",
        ".. option:: --grace <seconds>",
        "",
        "   The default is 25.",
    ),
    right(
        "man-page", "right", "OPTIONS", "       -k, --keep", "              Keep the backup file, whose name ends in ~."
    ),
    wrong(
        "man-page",
        "cut",
        "OPTIONS",
        "       -k, --keep",
        "              Keep the backup file, whose name ends in ~. Without this option",
        "              it is removed",
    ),
    wrong(
        "pdf-numbered",
        "another section",
        "3 Investments",
        "3.2 Library",
        "Costs of 1.7 million euros were rejected by the council in May.",
    ),
    right("pdf-numbered", "no upper heading: soft", "3.2 Library", "", "Building will not begin before 2026."),
    wrong("preise-zh", "no name", "云山茶庄价目表（2024年秋）", "二、普洱", "每饼198元，满十饼九折。"),
    right("preise-zh", "right", "云山茶庄价目表（2024年秋）", "二、普洱", "5. 普洱茶饼（熟），每饼198元，满十饼九折。"),
    wrong(
        "protokoll-de",
        "another item",
        "Protokoll der Mitgliederversammlung vom 14. März",
        "TOP 3: Sommerfest",
        "Beschluss: Einstimmig angenommen.",
    ),
    wrong("recette-fr", "another list", "## Tarte aux poires", "Pour la crème :", "- 80 g de sucre"),
    wrong("recette-fr", "another recipe", "## Riz au lait", "Pour la crème :", "- 60 g de sucre"),
    wrong(
        "mail-thread-en",
        "no sender",
        "I agree to 41,500 euros if you pay before the end of June and collect the boat yourself.",
    ),
    wrong(
        "mail-thread-en",
        "no writer",
        "From: Helena Brandt <helena@brandt-boats.example>",
        "> My offer is 38,000 euros, dinghy included.",
    ),
    right(
        "mail-thread-en",
        "writer",
        "On Mon, 3 Jun 2024 at 09:11, Owen Pryce wrote:",
        "> My offer is 38,000 euros, dinghy included.",
    ),
    wrong(
        "mail-thread-en",
        "another writer",
        "On Mon, 3 Jun 2024 at 09:11, Owen Pryce wrote:",
        "> > The asking price is 44,900 euros.",
    ),
    right(
        "grep-heading",
        "line with file",
        "$ rg -C1 --heading max_connections conf/",
        "conf/reporting.ini",
        "6:max_connections = 500",
    ),
    wrong("grep-heading", "another file", "conf/replica.ini", "6:max_connections = 500"),
    right(
        "log-stacktrace",
        "entry and cause",
        "2024-09-03 02:11:09,001 ERROR [pool-3] OrderJob - order 88121 failed",
        "Caused by: java.sql.SQLTimeoutException: no connection after 3000 ms",
    ),
    wrong(
        "log-stacktrace",
        "another entry's cause",
        "2024-09-03 02:11:06,002 ERROR [pool-2] OrderJob - order 88120 failed",
        "Caused by: java.sql.SQLTimeoutException: no connection after 3000 ms",
    ),
    right("protokoll-de", "right", "TOP 2: Spielplatz", "Beschluss: Der Zaun wird bis zum 30. Juni repariert."),
    right("recette-fr", "half", document_of("recette-fr").split("## Riz")[0]),
]
