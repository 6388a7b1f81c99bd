"""More contexts that a person wrote, for texts of all kinds."""

from __future__ import annotations

from meaning.by_hand import between, document_of, right, wrong
from meaning.inputs_markup import FEED

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

SECOND = [
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
