"""Data: CSV, JSON, JSON lines, YAML."""

from __future__ import annotations

import json

from meaning.checks import both, json_check, json_lines, string_lines, whole_lines, yaml_check
from meaning.entries import parsed, written
from meaning.notation import Doc, indented

HOTELS = {
    "status": "ok",
    "query": {"city": "Porto", "nights": 2},
    "results": [
        {
            "hotel": "Casa do Rio",
            "stars": 3,
            "rooms": [
                {"type": "single", "price": 61, "refundable": False},
                {"type": "double", "price": 84, "refundable": True},
            ],
            "pets": "no",
        },
        {
            "hotel": "Grande Ribeira",
            "stars": 5,
            "rooms": [
                {"type": "double", "price": 210, "refundable": False},
                {"type": "suite", "price": 390, "refundable": False},
            ],
            "pets": "only below 8 kg",
        },
        {
            "hotel": "Foz Hostel",
            "stars": 1,
            "rooms": [{"type": "bed in dormitory", "price": 22, "refundable": False}],
            "pets": "no",
        },
        {
            "hotel": "Quinta das Camélias",
            "stars": 4,
            "rooms": [
                {"type": "double", "price": 132, "refundable": True},
                {"type": "family", "price": 188, "refundable": True},
            ],
            "pets": "yes, 10 euros a night",
        },
        {
            "hotel": "Torre Azul",
            "stars": 4,
            "rooms": [
                {"type": "double", "price": 118, "refundable": False},
                {"type": "loft", "price": 160, "refundable": True},
            ],
            "pets": "no",
        },
        {
            "hotel": "Bolhão Rooms",
            "stars": 2,
            "rooms": [
                {"type": "single", "price": 44, "refundable": False},
                {"type": "twin", "price": 58, "refundable": False},
            ],
            "pets": "on request",
        },
    ],
}


def hotels_may_lose(path):
    return path in ((), ("results",), ("results", "*"), ("results", "*", "rooms"))


def hotels_are_whole(kept, original):
    if not isinstance(kept, dict) or not isinstance(kept.get("results"), list):
        return ["no results: a shell alone"]
    keys = set(original["results"][0])
    return [f"record not whole: {str(record)[:80]}" for record in kept["results"] if set(record) != keys]


TEAMS = {
    "generated": "2024-11-02",
    "teams": {
        "payments": {
            "lead": "Amara Diallo",
            "oncall": [{"week": 45, "person": "Lee"}, {"week": 46, "person": "Novak"}],
            "slack": "#pay",
        },
        "search": {
            "lead": "Jonas Lind",
            "oncall": [{"week": 45, "person": "Sato"}, {"week": 46, "person": "Lee"}],
            "slack": "#find",
        },
        "mobile": {"lead": None, "oncall": [], "slack": "#apps"},
        "data": {
            "lead": "Priya Nair",
            "oncall": [{"week": 45, "person": "Okoro"}, {"week": 46, "person": "Haas"}],
            "slack": "#data-eng",
        },
        "identity": {"lead": "Bruno Costa", "oncall": [{"week": 45, "person": "Haas"}], "slack": "#login"},
    },
}


def teams_may_lose(path):
    in_a_team = path[:1] == ("teams",) and (len(path) == 2 or (len(path) == 3 and path[2] == "oncall"))
    return in_a_team or path in ((), ("teams",))


def teams_are_whole(kept, original):
    if not isinstance(kept, dict) or not kept.get("teams"):
        return ["no teams: a shell alone"]
    return [
        f"record not whole: {name}"
        for name, team in kept["teams"].items()
        if not isinstance(team, dict) or set(team) != {"lead", "oncall", "slack"}
    ]


EVENTS = [
    {"ts": "2024-03-01T08:00:11Z", "user": "u-118", "action": "login", "ok": False, "reason": "wrong password"},
    {"ts": "2024-03-01T08:00:40Z", "user": "u-118", "action": "login", "ok": True},
    {
        "ts": "2024-03-01T08:03:02Z",
        "user": "u-204",
        "action": "export",
        "ok": False,
        "reason": "quota exceeded, 3 of 3 used",
    },
    {"ts": "2024-03-01T08:04:55Z", "user": "u-090", "action": "invite", "ok": True, "target": "rosa@example.org"},
    {"ts": "2024-03-01T08:09:13Z", "user": "u-204", "action": "upgrade", "ok": True, "plan": "team"},
    {"ts": "2024-03-01T08:09:59Z", "user": "u-204", "action": "export", "ok": True},
    {"ts": "2024-03-01T08:17:30Z", "user": "u-331", "action": "delete", "ok": False, "reason": "not the owner"},
    {"ts": "2024-03-01T08:21:07Z", "user": "u-118", "action": "export", "ok": True},
]

STDOUT = "\n".join(
    [
        "$ make check",
        "cc -O2 -c lexer.c",
        "cc -O2 -c parser.c",
        "parser.c:88:12: warning: unused variable 'depth' [-Wunused-variable]",
        "cc -O2 -c codegen.c",
        "codegen.c:301:5: warning: comparison of \"int\" and 'unsigned'",
        "running 9 tests",
        "test lexer_empty ... ok",
        "test lexer_escape ... ok",
        "test parser_nested ... FAILED: expected ')' at C:\\tmp\\nested.src:14, found '}'",
        "test parser_comment ... ok",
        "test codegen_loop ... FAILED: got 12 instructions, expected 10",
        "test codegen_call ... ok",
        "test codegen_tail ... skipped (needs --slow)",
        "test link_static ... ok",
        "test link_shared ... ok",
        "test help ... ok",
        "2 of 9 failed, 1 skipped",
        "make: *** [Makefile:40: check] Error 2",
    ]
)

SERVICES = r"""
# staging only, production has its own file
version: "3.9"
services:
  web:
    image: shop/web:2.14
    restart: always
    environment:
      LOG_LEVEL: info
      TIMEOUT: 30
    ports:
      - "8080:80"
      - "8443:443"
  worker:
    image: shop/worker:2.13
    restart: "no"
    environment:
      LOG_LEVEL: debug
      # seconds, not milliseconds
      TIMEOUT: 900
    volumes:
      - spool:/var/spool/shop
  cache:
    image: redis:7
    restart: always
    command: redis-server --save ""
  mail:
    image: shop/mail:1.0
    restart: on-failure
    environment:
      TIMEOUT: 15
      RELAY: smtp.internal
volumes:
  spool:
    driver: local
"""

ALERTS = r"""
alerts:
  - name: HighLatency
    expr: p99 > 1.5
    for: 10m
    labels:
      severity: page
    annotations:
      summary: Requests are slow
  - name: DiskFull
    expr: disk_free < 0.05
    for: 30m
    labels:
      severity: ticket
    annotations:
      summary: Less than 5 percent left
  - name: CertExpiry
    expr: cert_days < 14
    for: 1h
    labels:
      severity: ticket
    annotations:
      summary: Not for internal certificates
  - name: NoBackups
    expr: backup_age > 26h
    for: 0m
    labels:
      severity: page
    annotations:
      summary: No backup since yesterday
silences:
  - match: HighLatency
    until: 2024-12-01
  - match: CertExpiry
    until: never
"""

INPUTS = [
    written(
        "csv-de",
        "CSV with quoted line breaks",
        "Was kostet die klappbare Astsäge?",
        [0.5, 0.3],
        "1014;Astsäge klein, klappbar;24,80;60",
        r"""
0>|Artikel;Bezeichnung;Preis netto (EUR);Lager;Bemerkung
1.|1001;Gartenschere "Rosa";14,90;120;
1.|1002;Astsäge klein;22,50;0;"nicht mehr lieferbar;
1+|Nachfolger ist 1014"
1.|1003;Gießkanne 10 l;9,95;310;nur in Grün
1.|1004;Schubkarre;79,00;12;Abholung, kein Versand
1.|1005;Spaten, Edelstahl;34,20;45;
1.|1014;Astsäge klein, klappbar;24,80;60;"ohne Köcher;
1+|Köcher siehe 1015"
1.|1015;Köcher für Astsäge;7,40;88;passt nicht zu 1002
1.|1020;Rasenkante 5 m;18,00;5;Mindestmenge 3
1.|1021;Regentonne 210 l;41,00;0;wieder ab Mai
""",
    ),
    parsed(
        "json-nested-minified",
        "JSON tool result, nested, minified",
        [json.dumps(HOTELS, ensure_ascii=False, separators=(",", ":"))],
        "How much is a double room at Quinta das Camélias, and can it be refunded?",
        [0.5, 0.3],
        json_check(hotels_may_lose, hotels_are_whole),
        '{"type":"double","price":132,"refundable":true}',
    ),
    parsed(
        "json-pretty-by-key",
        "JSON, records by key, pretty-printed",
        [json.dumps(TEAMS, indent=2)],
        "Who is on call for the search team in week 46?",
        [0.5, 0.3],
        json_check(teams_may_lose, teams_are_whole),
        '"search"',
    ),
    parsed(
        "json-lines-events",
        "JSON lines",
        ["\n".join(json.dumps(event) for event in EVENTS)],
        "Why did the export of u-204 fail?",
        [0.5, 0.25],
        both(json_lines, whole_lines),
        "quota exceeded",
    ),
    parsed(
        "json-stdout",
        "JSON tool result, a string with escaped newlines",
        [json.dumps({"tool": "shell", "stdout": STDOUT, "stderr": "", "exit_code": 2})],
        "Why did parser_nested fail?",
        [0.5, 0.3],
        string_lines("stdout"),
        "expected ')' at C:\\\\tmp\\\\nested.src:14",
    ),
    written(
        "yaml-compose",
        "YAML config, equal keys under several parents",
        "What is the timeout of the worker?",
        [0.5, 0.25],
        "TIMEOUT: 900",
        Doc(indented(SERVICES), indent=True),
        also=[yaml_check(lambda path: True)],
    ),
    written(
        "yaml-alerts",
        "YAML list of records",
        "What severity does the CertExpiry alert have?",
        [0.5, 0.3],
        "name: CertExpiry",
        Doc(indented(ALERTS), indent=True),
        also=[yaml_check(lambda path: path in ((), ("*",), ("*", "alerts"), ("*", "silences")))],
    ),
]
