"""Contexts that a person wrote, for texts of all kinds."""

from __future__ import annotations

import json

from meaning.by_hand import between, document_of, right, wrong
from meaning.inputs_data import ALERTS, EVENTS, STDOUT, TEAMS

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

FIRST = [
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
]
