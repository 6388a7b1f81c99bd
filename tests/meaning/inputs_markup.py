"""Markup: Markdown tables, XML, HTML, LaTeX, reStructuredText, a manual page."""

from __future__ import annotations

from meaning.checks import balanced, xml_records
from meaning.entries import parsed, written
from meaning.html_checks import html_check
from meaning.notation import Doc

FEED = """<?xml version="1.0"?>
<rss version="2.0">
  <channel>
    <title>Harbour notices</title>
    <link>https://port.example/notices</link>
    <item>
      <title>Lock 3 closed</title>
      <description>Lock 3 is closed from 4 to 9 May. Boats under 6 m may use the slipway.</description>
      <category>locks</category>
    </item>
    <item>
      <title>Lock 2 open again</title>
      <description>Lock 2 has been open again since 28 April, but not at night.</description>
      <category>locks</category>
    </item>
    <item>
      <title>Fuel berth</title>
      <description><![CDATA[Diesel only. No petrol until <b>further notice</b> & no cards.]]></description>
      <category>services</category>
    </item>
    <item>
      <title>Mooring fees</title>
      <description>From June the fee is 2.40 a metre; members pay nothing on weekdays.</description>
      <category>fees</category>
    </item>
    <item>
      <title>Dredging</title>
      <description>The east basin is dredged in May. Depth there is not guaranteed.</description>
      <category>works</category>
    </item>
    <item>
      <title>Regatta</title>
      <description>No entry through the north mouth on 18 May between 10:00 and 14:00.</description>
      <category>events</category>
    </item>
  </channel>
</rss>"""

TIMETABLES = """<h1>Bus timetables</h1>
<p>Valid from 15 December. The drivers wish you a good trip.</p>
<h2>Line 12, Mondays to Fridays</h2>
<table>
<caption>Not on public holidays</caption>
<thead>
<tr><th rowspan="2">Stop</th><th colspan="3">Departures</th></tr>
<tr><th>first</th><th>noon</th><th>last</th></tr>
</thead>
<tbody>
<tr><td>Market</td><td>5:40</td><td>12:10</td><td>23:05</td></tr>
<tr><td>Hospital</td><td>5:52</td><td>12:22</td><td>23:17</td></tr>
<tr>
<td>Airport</td>
<td>6:15</td>
<td>12:45</td>
<td>&ndash;</td>
</tr>
</tbody>
</table>
<h2>Line 12, Saturdays</h2>
<table>
<thead>
<tr><th>Stop</th><th>first</th><th>noon</th><th>last</th></tr>
</thead>
<tbody>
<tr><td>Market</td><td>7:00</td><td>12:30</td><td>22:00</td></tr>
<tr><td>Hospital</td><td>7:12</td><td>12:42</td><td>22:12</td></tr>
<tr><td>Airport</td><td>7:35</td><td>13:05</td><td>22:35</td></tr>
</tbody>
</table>
<h2>Fares</h2>
<p>You travel free of charge if you:</p>
<ul>
<li>are under six years old;</li>
<li>carry a red pass, but not before 9:00.</li>
</ul>
<p>Folding bicycles need no ticket.</p>
<dl>
<dt>Single</dt><dd>2.80 euros, without changing</dd>
<dt>Day pass</dt><dd>7.50 euros, not on night buses</dd>
</dl>"""

PLANS = (
    "<div>"
    "<h2>Fibre</h2><p>Prices a month, first year:</p><table>"
    "<tr><th>Plan</th><th>Price</th><th>Term</th></tr>"
    "<tr><td>S</td><td>19.90</td><td>24 months</td></tr>"
    "<tr><td>M</td><td>29.90</td><td>24 months</td></tr>"
    "<tr><td>L</td><td>44.90</td><td>none</td></tr></table>"
    "<h3>Not included</h3><ul><li>telephone to foreign countries</li>"
    "<li>the router (4.99 a month)</li><li>installation above the third floor</li></ul>"
    "<h2>Cable</h2><p>Prices a month, first year:</p><table>"
    "<tr><th>Plan</th><th>Price</th><th>Term</th></tr>"
    "<tr><td>S</td><td>17.90</td><td>12 months</td></tr>"
    "<tr><td>M</td><td>24.90</td><td>12 months</td></tr>"
    "<tr><td>L</td><td>39.90</td><td>24 months</td></tr></table>"
    "<h3>Not included</h3><ul><li>the router (3.49 a month)</li><li>a fixed address</li></ul>"
    "<p>Cable is not sold where fibre can be had.</p></div>"
)


INPUTS = [
    written(
        "tables-page-en",
        "several GFM tables, two header rows, captions",
        "What was the net margin of the Rail division in 2023?",
        [0.5, 0.25],
        "| Rail | 402 | 6.1 | 455 | 7.4 |",
        r"""
0>%|# Half-year figures

1p|The board met in Leeds in March. ¦The weather was fine and the meeting took the whole day.

1>%|## Divisions

2>|Table 3. Revenue and net margin by division, in million pounds and percent
3>||  | 2022 | | 2023 | |
4>||---|---:|---:|---:|---:|
5>|| Division | Revenue | Margin | Revenue | Margin |
6.|| Rail | 402 | 6.1 | 455 | 7.4 |
6.|| Road | 618 | 3.0 | 590 | 2.2 |
6.|| Air | 120 | -4.5 | 131 | -1.9 |
6.|| Ports | 77 | 11.8 | 80 | 12.0 |

2p|All amounts are before exceptional items.

1>%|## Staff

2>|| Division | Full time | Part time |
3>||---|---:|---:|
4.|| Rail | 3,110 | 240 |
4.|| Road | 5,870 | 1,020 |
4.|| Air | 640 | 12 |
2^|Table 4: Staff at the end of the year, without agency workers

1>%|## Plans

2>|| Division | 2024 | 2025 |
3>||---|---|---|
4.|| Rail | 21 new trains | none |
4.|| Road | none | 140 buses |
4.|| Ports | one crane | two cranes |
2^|*Orders that were not yet signed*
""",
    ),
    parsed(
        "xml-feed",
        "XML feed",
        [FEED],
        "How much is the mooring fee from June?",
        [0.6, 0.4],
        xml_records("item", parents=("channel",)),
        "2.40 a metre",
    ),
    parsed(
        "html-timetables",
        "HTML with several tables and lists",
        [TIMETABLES],
        "When does the last bus of line 12 leave the airport on Saturdays?",
        [0.5, 0.3],
        html_check,
        "<td>22:35</td>",
    ),
    parsed(
        "html-minified",
        "HTML on one line, equal tables under two headings",
        [PLANS],
        "What does plan M of Cable cost?",
        [0.6, 0.4],
        html_check,
        "<td>24.90</td>",
    ),
    written(
        "latex",
        "LaTeX",
        "What is the bound on the error of the truncated series?",
        [0.5, 0.3],
        r"\begin{theorem}[Truncation]",
        Doc(r"""
0>%|\section{Preliminaries}

1p|Let $f$ be analytic on the disc $|z| < R$. ¦We do not assume that $f$ is bounded.

1.|\begin{definition}
1+|The \emph{order} of $f$ is the largest $k$ with $f^{(j)}(0) = 0$ for all $j < k$.
1+|\end{definition}

0>%|\section{Truncation}

1.|\begin{theorem}[Truncation]
1+|\label{thm:trunc}
1+|If $0 < r < R$ and $M = \max_{|z|=r} |f(z)|$, then for $|z| \le r/2$
1+|\[
1+|  \left| f(z) - \sum_{k=0}^{n} a_k z^k \right| \le M \, 2^{-n}.
1+|\]
1+|The bound fails for $|z| = r$.
1+|\end{theorem}

1p|The proof uses Cauchy's estimate. ¦It is short.

1>|The three cases are
1+|\begin{enumerate}
2.|  \item $n = 0$, where nothing is to be shown;
2.|  \item $n$ odd, which follows from Lemma~2;
2.|  \item $n$ even and $a_n \ne 0$.
1^|\end{enumerate}

0>%|\section{Numerics}

1.|\begin{tabular}{lrr}
1+|$n$ & error & time (s) \\
1+|\hline
1+|4 & $3.1 \cdot 10^{-2}$ & 0.4 \\
1+|8 & $1.9 \cdot 10^{-3}$ & 0.9 \\
1+|\end{tabular}

1p|Times were not measured on idle machines.
"""),
        also=[balanced((r"\begin{", r"\end{"), (r"\[", r"\]"))],
    ),
    written(
        "rst-options",
        "reStructuredText options and definition list",
        "What is the default of --grace?",
        [0.5, 0.3],
        ".. option:: --grace <seconds>",
        r"""
0>%|Command line
0+|============

1>|.. option:: --workers <n>

2.|   Number of processes. ¦The default is 4.

1>|.. option:: --grace <seconds>

2.|   How long a worker may finish its requests. ¦The default is 25. ¦Has no effect on Windows.

1>|.. option:: --port <n>

2.|   The default is 8400. ¦0 means a free one.

1>|.. option:: --no-reload

2.|   Do not watch files. ¦This is the default unless ``--debug`` is given.

0>%|Signals
0+|=======

1>|SIGTERM
2.|   Stops after the time of ``--grace``.

1>|SIGHUP
2.|   Reads the configuration again, but not the port.

1>|SIGUSR1
2.|   Ignored.

0>|Exit codes
0+|==========

1>|3
2.|   The port is taken.

1>|4
2.|   Some worker never started.
""",
    ),
    written(
        "man-page",
        "man page options",
        "Which option keeps backup files?",
        [0.5, 0.25],
        "-k, --keep",
        r"""
0>%|NAME
1.|       trimtail - shorten files from their end

0>%|OPTIONS
1>|       -k, --keep
2.|              Keep the backup file, whose name ends in ~. ¦Without this option
2_|              it is removed unless an error occurred.

1>|       -n, --lines=NUM
2.|              Leave at least NUM lines. ¦The default is 10. ¦A negative NUM is
2_|              counted from the end.

1>|       -q, --quiet
2.|              Do not print names. ¦Errors are still printed.

1>|       -z, --zero
2.|              Lines end with NUL, not newline. ¦Cannot be used together with
2_|              --lines.

1>|       --no-links
2.|              Skip symbolic links. ¦The default is to follow them.

0>|EXIT STATUS
1>|       0
2.|              All files were shortened.
1>|       1
2.|              Some file was not changed.
1>|       2
2.|              Nothing was done at all.

0>%|BUGS
1.|       Files above 2 GiB are not supported on 32-bit systems.
""",
    ),
]
