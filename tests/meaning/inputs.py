"""Inputs of our own invention, with their checks (see checks.py for the notation)."""

import json

from checks import (
    Doc,
    balanced,
    both,
    html_check,
    indented,
    json_check,
    json_lines,
    python_check,
    string_lines,
    sub,
    subsequence,
    units,
    whole_lines,
    xml_records,
    yaml_check,
)

INPUTS = []


def add(name, kind, documents, question, rates, check, wanted):
    INPUTS.append(
        {
            "name": name,
            "kind": kind,
            "documents": documents,
            "question": question,
            "rates": rates,
            "check": both(subsequence, check),
            "wanted": wanted,
        }
    )


def spec(name, kind, question, rates, wanted, *docs, also=()):
    docs = [d if isinstance(d, Doc) else Doc(d) for d in docs]
    add(name, kind, [d.document for d in docs], question, rates, both(units(*docs), *also), wanted)


# 1 ---------------------------------------------------------------------------------------------------------------
spec(
    "lease-de",
    "contract",
    "Wann darf der Mieter die Wohnung untervermieten?",
    [0.5, 0.25, 0.15],
    "Untervermietung",
    r"""
0>|§ 7 Kündigung
1.|(1) ¦>Die Kündigungsfrist beträgt für beide Parteien drei Monate zum Monatsende. ¦=Dies gilt nicht, soweit der Vermieter nach § 543 BGB fristlos kündigen darf.
1.|(2) Der Vermieter darf vor Ablauf des dritten Mietjahres nicht wegen Eigenbedarfs kündigen, es sei denn, er hat den Bedarf bei Vertragsschluss schriftlich angezeigt.

0>|§ 8 Gebrauch durch Dritte
1>|(1) Die Untervermietung ist dem Mieter nur gestattet, wenn
2.|a) er ein berechtigtes Interesse nachweist,
2.|b) der Vermieter in Textform zugestimmt hat und
2.|c) die Wohnung dadurch nicht überbelegt wird;
1^|in keinem Fall jedoch zur Vermietung an Feriengäste.
1.|(2) ¦>Ein Zuschlag wird nicht erhoben. ¦=Er kann jedoch ab der dritten Person mit 35 Euro je Monat verlangt werden.

0>|§ 9 Tierhaltung
1.|(1) Kleintiere wie Hamster und Zierfische dürfen ohne Zustimmung gehalten werden.
1.|(2) Hunde und Katzen dürfen nur mit vorheriger Zustimmung des Vermieters gehalten werden, Assistenzhunde ausgenommen.

0>|§ 10 Schönheitsreparaturen
1.|(1) Der Mieter ist nicht verpflichtet, bei Auszug zu renovieren, wenn ihm die Wohnung unrenoviert übergeben wurde.
1.|(2) ¦>Bohrlöcher sind zu schließen. ¦Die Kosten trägt der Mieter.
""",
)

# 2 ---------------------------------------------------------------------------------------------------------------
spec(
    "services-agreement-en",
    "contract, list with a tail, definitions",
    "When can the Customer claim service credits?",
    [0.5, 0.3, 0.15],
    "service credits",
    r"""
0>%|1. DEFINITIONS
1>|In this Agreement the following words have these meanings:
2.|"Downtime" means any period of more than five consecutive minutes in which the Service cannot be reached, other than Planned Maintenance.
2.|"Planned Maintenance" means work of which the Customer was told at least 72 hours before.
2.|"Fees" means the amounts in Schedule 2, excluding VAT.

0>%|2. SERVICE CREDITS
1>|2.1 The Customer may claim service credits of 5% of the monthly Fees only if:
2.|(a) Downtime in a calendar month exceeds 0.5%;
2.|(b) the claim reaches the Provider within thirty days of the end of that month; and
2.|(c) no invoice of the Customer is overdue,
1^|provided that the sum of all credits in a year shall not exceed 15% of the yearly Fees.
1.|2.2 Service credits are the Customer's sole remedy for Downtime, save in cases of wilful misconduct.

0>%|3. SUSPENSION
1>|3.1 The Provider shall not suspend the Service without notice, except where:
2.|(a) a court orders it;
2.|(b) continued use would harm other customers.
1.|3.2 ¦>Notice of suspension must be given in writing. ¦Email is sufficient for this purpose.

0>%|4. LIABILITY
1.|4.1 Neither party is liable for loss of profit, unless caused by fraud.
1.|4.2 Nothing in this Agreement limits liability for death or personal injury.
""",
)

# 3 ---------------------------------------------------------------------------------------------------------------
spec(
    "faq-plain-es",
    "FAQ, plain, short answers",
    "¿Se admiten bicicletas en el ferry?",
    [0.5, 0.25],
    "¿Se admiten bicicletas a bordo?\n",
    r"""
0>|¿Puedo cambiar la fecha de mi billete?
1.|Sí.

0>|¿Hay descuento para grupos?
1.|No.

0>|¿Se admiten bicicletas a bordo?
1.|No.

0>|¿Se admiten perros en el camarote?
1.|Sí.

0>|¿Hay que llegar con antelación?
1.|Sí, 90 minutos con coche y 45 a pie.

0>|¿Se puede pagar en efectivo a bordo?
1.|No.

0>|¿Hay enfermería?
1.|Sí.

0>|¿Está permitido fumar en cubierta?
1.|Solo en la popa.

0>|¿Se devuelve el dinero si el ferry no sale?
1.|Sí, salvo en caso de huelga.

0>|¿Hay wifi gratuito?
1.|No.

0>|¿Puedo llevar mi propia comida?
1.|Sí.

0>|¿Se puede dormir en el coche durante la travesía?
1.|No.

0>|¿Pagan los menores de cuatro años?
1.|No, si comparten camarote con un adulto.
""",
)

# 4 ---------------------------------------------------------------------------------------------------------------
spec(
    "faq-bold-fr",
    "FAQ, bold",
    "Puis-je annuler mon abonnement de piscine ?",
    [0.5, 0.25],
    "annuler mon abonnement",
    r"""
0>%|# Piscine municipale des Tilleuls

1>|**Faut-il réserver un créneau ?**
2.|Non, sauf le mercredi et pendant les vacances scolaires.

1>|**Les enfants peuvent-ils venir seuls ?**
2.|Pas avant dix ans. ¦Un enfant de huit ans ne peut entrer qu'avec un adulte en tenue de bain.

1>|**Puis-je annuler mon abonnement annuel ?**
2.|Oui, mais seulement dans les quatorze jours qui suivent l'achat, et à condition de n'être pas encore entré dans l'eau.

1>|**Puis-je annuler un cours de natation ?**
2.|Non.

1>|**Le bonnet est-il obligatoire ?**
2.|Oui.

1>|**Les shorts de bain sont-ils autorisés ?**
2.|Non.

1>|**Y a-t-il un parking ?**
2.|Oui, gratuit pendant deux heures.

1>|**Les casiers acceptent-ils les billets ?**
2.|Non, seulement les pièces d'un euro, qui vous sont rendues.
""",
)

# 5 ---------------------------------------------------------------------------------------------------------------
spec(
    "faq-headings-en",
    "FAQ, headings",
    "Does the roof rack fit the hybrid model?",
    [0.5, 0.25, 0.12],
    "Does the roof rack fit the hybrid?",
    r"""
0>%|# Wayfarer accessories

1>%|## Roof rack

2>|### Does the roof rack fit the hybrid?
3p|No. ¦&It fits only the petrol models from 2019 on, since the hybrid has no rails.

2>|### Does the roof rack fit the estate?
3p|Yes, without an adapter.

2>|### How much may I load?
3p|Up to 75 kg on smooth roads, but not more than 50 kg off road. ¦Check the bolts every 500 km.

1>%|## Tow bar

2>|### Does the tow bar fit the hybrid?
3p|Yes. ¦A workshop must enter it in the papers.

2>|### Can I fit it myself?
3p|Only if you have the diagnostic tool. ¦Otherwise the trailer lights stay dark.

1>%|## Floor mats

2>|### Are the mats washable?
3p|Not in the machine. ¦Use cold water and a brush.

2>|### Do they come with clips?
3p|Yes, four of them.
""",
)

# 6 ---------------------------------------------------------------------------------------------------------------
spec(
    "faq-ar",
    "FAQ, Q:/A: in Arabic",
    "هل يمكن إرجاع المنتج بعد فتحه؟",
    [0.5, 0.25],
    "س: هل يمكن إرجاع المنتج بعد فتحه؟",
    r"""
0>%|الأسئلة الشائعة لمتجر النخيل

1>|س: هل التوصيل مجاني؟
2.|ج: نعم، للطلبات التي تزيد على 200 ريال فقط.

1>|س: هل يمكن إرجاع المنتج بعد فتحه؟
2.|ج: لا، إلا إذا كان فيه عيب من المصنع.

1>|س: هل يمكن إرجاع المنتج قبل فتحه؟
2.|ج: نعم، خلال 14 يوما.

1>|س: هل تقبلون الدفع عند الاستلام؟
2.|ج: لا.

1>|س: هل يوجد ضمان على الساعات؟
2.|ج: نعم، سنة واحدة ولا يشمل البطارية.

1>|س: هل لديكم فرع في جدة؟
2.|ج: لا.

1>|س: هل تُقبل بطاقات الهدايا في العروض؟
2.|ج: لا تُقبل إلا في رمضان.

1>|س: كم تستغرق الصيانة؟
2.|ج: من ثلاثة إلى خمسة أيام عمل، ولا تُحسب أيام الجمعة.

1>|س: هل يمكن تغيير العنوان بعد الطلب؟
2.|ج: نعم، ما لم تكن الشحنة قد خرجت من المستودع.
""",
)

# 7 ---------------------------------------------------------------------------------------------------------------
spec(
    "dosage-en",
    "dosage sentences, several documents",
    "What is the maximum daily dose of Veltarin for children?",
    [0.5, 0.25, 0.12],
    "Children under twelve",
    Doc(
        r"""
0p|Adults may take one tablet of Veltarin every six hours, but not more than four tablets (2 g) in a day, and not for more than five days without seeing a doctor. ¦Children under twelve must not be given more than 15 mg of Veltarin per kilogram a day unless a doctor who knows their liver values has prescribed it. ¦The tablets are round and white. ¦They are sold in boxes of twenty.

0p|No patient who takes blood thinners, or who has had a stomach bleed within the last year, should use Veltarin for longer than two days. ¦Neither alcohol nor grapefruit juice changes how it works. ¦It may be taken with food.
""",
        title="Veltarin 500 mg",
    ),
    Doc(
        r"""
0p|Children from six to twelve may take 5 ml of Veltarin Forte syrup twice a day, except those who weigh less than 20 kg, who may not take it at all. ¦Shake the bottle well. ¦The syrup tastes of cherry and keeps for three months after opening, though only if it stands in the fridge.

0p|It is not true, as was claimed on several parenting sites last winter, that the syrup may be doubled when the fever does not fall. ¦Call a doctor if it lasts longer than three days.
""",
        title="Veltarin Forte syrup",
        need_title=False,
    ),
    Doc(
        r"""
0p|Lunaxol is a cream for dry skin. ¦It may be used daily, also on children, as long as it is kept away from the eyes. ¦The tube holds 50 g. ¦Wash your hands after use.
""",
        title="Lunaxol",
    ),
)

# 8 ---------------------------------------------------------------------------------------------------------------
spec(
    "garantie-de",
    "warranty sentences",
    "Ist der Akku von der Garantie erfasst?",
    [0.4, 0.2, 0.1],
    "Akku",
    r"""
0p|Die Nordwerk GmbH gibt auf alle Rasenroboter eine Garantie von drei Jahren ab Kaufdatum, auf gewerblich genutzte Geräte jedoch nur von zwölf Monaten. ¦Der Garten sieht im Frühling am schönsten aus. ¦Der Akku ist, anders als in der Werbung einiger Händler in den Jahren 2021 und 2022 behauptet wurde, von der Garantie nicht erfasst. ¦Messer und Räder sind Verschleißteile, für die z. B. bei starker Nutzung nach ca. 200 Std. kein Ersatz geleistet wird.

0p|Ansprüche erlöschen nicht dadurch, dass das Gerät verkauft wird, sofern die Rechnung übergeben wurde. ¦Kein Käufer, der das Gerät außerhalb der Europäischen Union erworben und nicht binnen 30 Tagen registriert hat, kann eine kostenlose Abholung verlangen. ¦Die Abholung kostet sonst 49,90 Euro. ¦Unser Werk steht in Husum und hat 140 Mitarbeiter.

0p|Die Garantie umfasst Wasserschäden nur dann, wenn das Gerät in der Ladestation stand. ¦Der Kundendienst ist Mo. bis Fr. von 8 bis 17 Uhr zu erreichen. ¦Am 24. Dezember ist geschlossen.
""",
)

# 9 ---------------------------------------------------------------------------------------------------------------
spec(
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
)

# 10 --------------------------------------------------------------------------------------------------------------
CSV_DE = """Artikel;Bezeichnung;Preis netto (EUR);Lager;Bemerkung
1001;Gartenschere "Rosa";14,90;120;
1002;Astsäge klein;22,50;0;"nicht mehr lieferbar;
Nachfolger ist 1014"
1003;Gießkanne 10 l;9,95;310;nur in Grün
1004;Schubkarre;79,00;12;Abholung, kein Versand
1005;Spaten, Edelstahl;34,20;45;
1014;Astsäge klein, klappbar;24,80;60;"ohne Köcher;
Köcher siehe 1015"
1015;Köcher für Astsäge;7,40;88;passt nicht zu 1002
1020;Rasenkante 5 m;18,00;5;Mindestmenge 3
1021;Regentonne 210 l;41,00;0;wieder ab Mai"""
spec(
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
)
assert INPUTS[-1]["documents"] == [CSV_DE]

# 11 --------------------------------------------------------------------------------------------------------------
spec(
    "whatsapp-es",
    "chat, WhatsApp style, messages of several lines",
    "¿Quién lleva la tortilla a la fiesta?",
    [0.5, 0.25],
    "tortilla",
    r"""
0.|12/5/24, 18:02 - Lucía: ¦>Chicos, ¿quién trae qué el sábado?
0.|12/5/24, 18:03 - Marcos: ¦>Yo no puedo llevar la tortilla esta vez. ¦&Llevo el pan.
0>|12/5/24, 18:05 - Irene: Mi lista:
1.|- hielo
1.|- vasos (de plástico no)
1.|- servilletas
0.|12/5/24, 18:06 - Marcos: ¦>¿Y la música?
0.|12/5/24, 18:09 - Tomás: ¦>La tortilla la hago yo, pero sin cebolla. ¦Si alguien la quiere con cebolla, que lo diga antes del jueves.
0.|12/5/24, 18:10 - Lucía: ¦>Con cebolla, por favor 🙏
0.|12/5/24, 18:11 - Tomás: ¦>No.
0.|12/5/24, 18:20 - Irene: <Multimedia omitido>
0.|12/5/24, 18:24 - Paula: ¦>Yo llego tarde, a las once. ¦No me esperéis para cenar.
0.|12/5/24, 18:31 - Marcos: ¦>La música la pone Paula, ¿no?
0.|12/5/24, 18:32 - Paula: ¦>Ni hablar.
0.|12/5/24, 18:40 - Lucía: ¦>Entonces la pongo yo con el altavoz de mi hermano.
""",
)

# 12 --------------------------------------------------------------------------------------------------------------
spec(
    "slack-en",
    "chat, Slack style, speaker line above",
    "Which region did the failover go to?",
    [0.5, 0.25, 0.15],
    "eu-west-3",
    r"""
0>%|#incident-4471

1>|Dana Whitlock  9:02 AM
2.|Checkout is down for about a third of users.
2.|Error rate at 31%.

1>|Raj Patel  9:04 AM
2.|Not the database. ¦Replication lag is zero.

1>|Mei Tanaka  9:05 AM
2.|I started the failover to eu-west-1.

1>|Dana Whitlock  9:07 AM
2.|Did it go through?

1>|Mei Tanaka  9:08 AM
2.|No. ¦&eu-west-1 refused it, no capacity.
2.|Trying eu-west-3 now.

1>|incident-bot  APP  9:12 AM
2.|Failover finished: traffic is served from eu-west-3.

1>|Raj Patel  9:15 AM
2.|Error rate at 0.4%.
2.|I would not call it fixed until the certificates are renewed.

1>|Dana Whitlock  9:31 AM
2.|Status page is updated.
2.|Please nobody deploy before noon.

1>|Olu Adeyemi  9:33 AM
2.|Can I deploy the docs?

1>|Dana Whitlock  9:34 AM
2.|Yes, docs only.
""",
)


# 13 --------------------------------------------------------------------------------------------------------------
def mail_doc(text):
    """What is a message's own needs its From line; a quoted line of the first level its 'wrote' line."""
    doc = Doc(text)
    at = {a.text: i for i, a in enumerate(doc.atoms)}
    sender = next(i for t, i in at.items() if t.startswith("From:"))
    wrote = next(i for t, i in at.items() if t.startswith("On Mon"))
    for i, a in enumerate(doc.atoms):
        if a.prose:
            doc.soft.discard((i, sender))
        elif a.text.startswith("> ") and not a.text.startswith("> >"):
            doc.soft.discard((i, wrote))
    return doc


spec(
    "mail-thread-en",
    "mail thread with quoting",
    "What price did Helena agree to?",
    [0.5, 0.25],
    "41,500",
    mail_doc(
        r"""
0>%|From: Helena Brandt <helena@brandt-boats.example>
0>|Date: Tue, 4 Jun 2024 16:20
0>|Subject: Re: Re: Sloop "Marit"

1p|Dear Owen, ¦I cannot accept 38,000. ¦I agree to 41,500 euros if you pay before the end of June and collect the boat yourself. ¦The dinghy is not part of it.

1p|Best, Helena

1>|On Mon, 3 Jun 2024 at 09:11, Owen Pryce wrote:
2.|> Dear Helena,
2.|> My offer is 38,000 euros, dinghy included.
2.|> I would not need the trailer.
2.|>
2>|> On Sat, 1 Jun 2024 at 20:45, Helena Brandt wrote:
3.|> > The asking price is 44,900 euros.
3.|> > Nobody has inspected the keel since 2019.
3.|> > The sails are new, except the spinnaker.
3.|> > You can see her in Kiel on any weekend but the next.
""".replace("0>|Date", "1>%|Date")
        .replace("0>|Subject", "2>%|Subject")
        .replace("\n1p|", "\n3p|")
        .replace("\n1>|On", "\n3>%|On")
        .replace("\n3.|>", "\n5.|>")
        .replace("\n2.|>", "\n4.|>")
        .replace("\n2>|>", "\n4>|>")
    ),
)

# 14 --------------------------------------------------------------------------------------------------------------
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


def hotel_wrap(path):
    return path in ((), ("results",), ("results", "*"), ("results", "*", "rooms"))


def hotel_names(kept, orig):
    if not isinstance(kept, dict) or not isinstance(kept.get("results"), list):
        return ["no results: a shell alone"]
    return [f"record not whole: {str(r)[:80]}" for r in kept["results"] if set(r) != set(orig["results"][0])]


add(
    "json-nested-minified",
    "JSON tool result, nested, minified",
    [json.dumps(HOTELS, ensure_ascii=False, separators=(",", ":"))],
    "How much is a double room at Quinta das Camélias, and can it be refunded?",
    [0.5, 0.3],
    json_check(hotel_wrap, hotel_names),
    '{"type":"double","price":132,"refundable":true}',
)

# 15 --------------------------------------------------------------------------------------------------------------
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


def team_wrap(path):
    return path in ((), ("teams",)) or path[0] == "teams" and (len(path) == 2 or len(path) == 3 and path[2] == "oncall")


def team_whole(kept, orig):
    if not isinstance(kept, dict) or not kept.get("teams"):
        return ["no teams: a shell alone"]
    return [
        f"record not whole: {k}"
        for k, v in kept["teams"].items()
        if not isinstance(v, dict) or set(v) != {"lead", "oncall", "slack"}
    ]


add(
    "json-pretty-by-key",
    "JSON, records by key, pretty-printed",
    [json.dumps(TEAMS, indent=2)],
    "Who is on call for the search team in week 46?",
    [0.5, 0.3],
    json_check(team_wrap, team_whole),
    '"search"',
)

# 16 --------------------------------------------------------------------------------------------------------------
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
add(
    "json-lines-events",
    "JSON lines",
    ["\n".join(json.dumps(e) for e in EVENTS)],
    "Why did the export of u-204 fail?",
    [0.5, 0.25],
    both(json_lines, whole_lines),
    "quota exceeded",
)

# 17 --------------------------------------------------------------------------------------------------------------
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
add(
    "json-stdout",
    "JSON tool result, a string with escaped newlines",
    [json.dumps({"tool": "shell", "stdout": STDOUT, "stderr": "", "exit_code": 2})],
    "Why did parser_nested fail?",
    [0.5, 0.3],
    string_lines("stdout"),
    "expected ')' at C:\\\\tmp\\\\nested.src:14",
)

# 18 --------------------------------------------------------------------------------------------------------------
COMPOSE = r"""
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
spec(
    "yaml-compose",
    "YAML config, equal keys under several parents",
    "What is the timeout of the worker?",
    [0.5, 0.25],
    "TIMEOUT: 900",
    Doc(indented(COMPOSE), indent=True),
    also=[yaml_check(lambda p: True)],
)

# 19 --------------------------------------------------------------------------------------------------------------
K8S = r"""
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
spec(
    "yaml-alerts",
    "YAML list of records",
    "What severity does the CertExpiry alert have?",
    [0.5, 0.3],
    "name: CertExpiry",
    Doc(indented(K8S), indent=True),
    also=[yaml_check(lambda p: p in ((), ("*",), ("*", "alerts"), ("*", "silences")))],
)

# 20 --------------------------------------------------------------------------------------------------------------
RSS = """<?xml version="1.0"?>
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
add(
    "xml-feed",
    "XML feed",
    [RSS],
    "How much is the mooring fee from June?",
    [0.6, 0.4],
    xml_records("rss", "item", ("channel",)),
    "2.40 a metre",
)

# 21 --------------------------------------------------------------------------------------------------------------
BUS = """<h1>Bus timetables</h1>
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
add(
    "html-timetables",
    "HTML with several tables and lists",
    [BUS],
    "When does the last bus of line 12 leave the airport on Saturdays?",
    [0.5, 0.3],
    html_check,
    "<td>22:35</td>",
)

# 22 --------------------------------------------------------------------------------------------------------------
PLANS = "".join(
    [
        "<div><h2>Fibre</h2><p>Prices a month, first year:</p><table><tr><th>Plan</th><th>Price</th><th>Term</th></tr>",
        "<tr><td>S</td><td>19.90</td><td>24 months</td></tr><tr><td>M</td><td>29.90</td><td>24 months</td></tr><tr><td>L</td><td>44.90</td><td>none</td></tr></table>",
        "<h3>Not included</h3><ul><li>telephone to foreign countries</li><li>the router (4.99 a month)</li><li>installation above the third floor</li></ul>",
        "<h2>Cable</h2><p>Prices a month, first year:</p><table><tr><th>Plan</th><th>Price</th><th>Term</th></tr>",
        "<tr><td>S</td><td>17.90</td><td>12 months</td></tr><tr><td>M</td><td>24.90</td><td>12 months</td></tr><tr><td>L</td><td>39.90</td><td>24 months</td></tr></table>",
        "<h3>Not included</h3><ul><li>the router (3.49 a month)</li><li>a fixed address</li></ul><p>Cable is not sold where fibre can be had.</p></div>",
    ]
)
add(
    "html-minified",
    "HTML on one line, equal tables under two headings",
    [PLANS],
    "What does plan M of Cable cost?",
    [0.6, 0.4],
    html_check,
    "<td>24.90</td>",
)

# 23 --------------------------------------------------------------------------------------------------------------
spec(
    "python-code",
    "Python code",
    "How does LeaseTable.release find the owner of a lease?",
    [0.5, 0.35],
    "def release(self, key, owner):",
    Doc(
        r'''
0.|import threading
0.|import time

0.|DEFAULT_TTL = 30  # seconds


0>|class LeaseTable:
4.|    """Leases of named resources. Not for use between processes."""

4.|    def __init__(self, ttl=DEFAULT_TTL):
4+|        self._ttl = ttl
4+|        self._held = {}
4+|        self._lock = threading.Lock()

4.|    def acquire(self, key, owner):
4+|        """Takes the lease unless somebody else holds it."""
4+|        with self._lock:
4+|            holder, until = self._held.get(key, (None, 0.0))
4+|            if holder not in (None, owner) and until > time.monotonic():
4+|                return False
4+|            self._held[key] = (owner, time.monotonic() + self._ttl)
4+|            return True

4~|    # Does not raise for a lease that has run out.
4.|    def release(self, key, owner):
4+|        with self._lock:
4+|            holder, _ = self._held.get(key, (None, 0.0))
4+|            if holder != owner:
4+|                return False
4+|            del self._held[key]
4+|            return True

4.|    @property
4+|    def size(self):
4+|        return len(self._held)


0>|class NullTable(LeaseTable):
4.|    """Never refuses, for tests."""

4.|    def acquire(self, key, owner):
4+|        return True

4.|    def release(self, key, owner):
4+|        return True


0.|def owner_of(table, key):
0+|    holder, until = table._held.get(key, (None, 0.0))
0+|    return holder if until > time.monotonic() else None
''',
        indent=True,
    ),
    also=[python_check],
)

# 24 --------------------------------------------------------------------------------------------------------------
spec(
    "go-code",
    "Go code",
    "How long does Backoff wait between two tries?",
    [0.5, 0.3],
    "func (b Backoff) Wait(n int) time.Duration {",
    Doc(
        r"""
0.|package retry

0.|import (
0+|	"errors"
0+|	"time"
0+|)

0~|// ErrGiveUp is never wrapped.
0.|var ErrGiveUp = errors.New("retry: gave up")

0~|// Backoff doubles from Base, and stays below Max.
0.|type Backoff struct {
0+|	Base time.Duration
0+|	Max  time.Duration
0+|	// Tries of 0 means no limit.
0+|	Tries int
0+|}

0~|// Wait is the pause before try n.
0~|// It has no jitter.
0.|func (b Backoff) Wait(n int) time.Duration {
0+|	d := b.Base << n
0+|	if d > b.Max || d <= 0 {
0+|		return b.Max
0+|	}
0+|	return d
0+|}

0~|// Do calls f until it returns nil.
0.|func (b Backoff) Do(f func() error) error {
0+|	for n := 0; b.Tries == 0 || n < b.Tries; n++ {
0+|		if f() == nil {
0+|			return nil
0+|		}
0+|		time.Sleep(b.Wait(n))
0+|	}
0+|	return ErrGiveUp
0+|}

0~|// Linear waits the same time before each try.
0.|type Linear struct {
0+|	Step time.Duration
0+|}

0.|func (l Linear) Wait(n int) time.Duration {
0+|	return l.Step
0+|}
""",
        indent=True,
    ),
)

# 25 --------------------------------------------------------------------------------------------------------------
spec(
    "diff",
    "diff of several files",
    "What did the commit change about the session lifetime?",
    [0.5, 0.3],
    "+SESSION_HOURS = 8",
    Doc(
        r"""
0.|commit 7c1f0aa2
0.|Author: Ines Moreau <ines@example.net>

0>|diff --git a/app/auth.py b/app/auth.py
0+|--- a/app/auth.py
0+|+++ b/app/auth.py
1.|@@ -10,4 +10,4 @@ import os
1+| ISSUER = "shop"
1+|-SESSION_HOURS = 72
1+|+SESSION_HOURS = 8
1+| COOKIE = "sid"
1+| SECURE = True
1.|@@ -41,5 +41,7 @@ def login(user, password):
1+|     if not user.active:
1+|         return None
1+|+    if user.locked:
1+|+        return None
1+|     token = issue(user)
1+|     audit("login", user)
1+|     return token
0>|diff --git a/app/mail.py b/app/mail.py
0+|--- a/app/mail.py
0+|+++ b/app/mail.py
1.|@@ -3,3 +3,3 @@
1+| HOST = "smtp.internal"
1+|-RETRIES = 5
1+|+RETRIES = 2
1+| SENDER = "no-reply@example.net"
0>|diff --git a/docs/limits.md b/docs/limits.md
0+|--- a/docs/limits.md
0+|+++ b/docs/limits.md
1.|@@ -20,3 +20,2 @@
1+| Uploads may not exceed 20 MB.
1+|-Sessions never expire.
1+| Exports run once an hour.
""",
        indent=False,
    ),
)

# 26 --------------------------------------------------------------------------------------------------------------
spec(
    "log-stacktrace",
    "log with stack traces",
    "What caused the failure of order 88121?",
    [0.5, 0.3],
    "Caused by: java.sql.SQLTimeoutException",
    Doc(r"""
0.|2024-09-03 02:11:04,118 INFO  [main] Scheduler - nightly run started
0.|2024-09-03 02:11:05,730 WARN  [pool-1] OrderJob - order 88119 has no address, skipped
0>o|2024-09-03 02:11:06,002 ERROR [pool-2] OrderJob - order 88120 failed
1>o|java.lang.IllegalStateException: already invoiced
2.|	at shop.Invoice.create(Invoice.java:77)
2.|	at shop.OrderJob.run(OrderJob.java:31)
0.|2024-09-03 02:11:06,415 INFO  [pool-1] OrderJob - order 88122 done in 212 ms
0>o|2024-09-03 02:11:09,001 ERROR [pool-3] OrderJob - order 88121 failed
1>o|shop.StoreException: cannot book
2.|	at shop.Store.book(Store.java:140)
2.|	at shop.OrderJob.run(OrderJob.java:35)
1>o|Caused by: java.sql.SQLTimeoutException: no connection after 3000 ms
2.|	at shop.Pool.get(Pool.java:58)
2.|	... 2 more
0.|2024-09-03 02:11:09,250 INFO  [pool-1] OrderJob - order 88123 done in 95 ms
0.|2024-09-03 02:11:11,870 WARN  [main] Pool - 0 of 20 connections free
0.|2024-09-03 02:11:12,004 INFO  [main] Pool - grown to 40 connections
0.|2024-09-03 02:11:14,333 INFO  [pool-2] OrderJob - order 88124 done in 101 ms
0.|2024-09-03 02:11:15,009 INFO  [main] Scheduler - nightly run finished, 2 failed, 1 skipped
"""),
)

# 27 --------------------------------------------------------------------------------------------------------------
spec(
    "kubectl-ps",
    "output of several commands in columns",
    "How many restarts does the billing pod in staging have?",
    [0.5, 0.3],
    "billing-6f9c-x2p4   0/1     CrashLoopBackOff   14",
    r"""
0>|$ kubectl get pods -n production
1>|NAME                READY   STATUS             RESTARTS   AGE
2.|billing-7d4b-k9qzl  1/1     Running            0          12d
2.|catalog-5c77-mmv2d  1/1     Running            3          12d
2.|gateway-84bd-t8rwx  2/2     Running            0          4d
2.|mailer-66f5-zz7hh   0/1     ImagePullBackOff   0          7m

0>|$ kubectl get pods -n staging
1>|NAME                READY   STATUS             RESTARTS   AGE
2.|billing-6f9c-x2p4   0/1     CrashLoopBackOff   14         51m
2.|catalog-5c77-bb81s  1/1     Running            1          2d
2.|gateway-84bd-pq0ld  2/2     Running            0          2d

0>|$ ps -eo pid,user,%mem,command --sort=-%mem
1>|    PID USER     %MEM COMMAND
2.|   2210 postgres 31.4 postgres: checkpointer
2.|    918 redis    12.0 redis-server 127.0.0.1:6379
2.|   3377 deploy    4.2 /usr/bin/python3 -m billing
2.|      1 root      0.1 /sbin/init
""",
)

# 28 --------------------------------------------------------------------------------------------------------------
spec(
    "grep-heading",
    "grep output with file names as headings, context lines",
    "In which file is max_connections 500?",
    [0.5, 0.3],
    "max_connections = 500",
    r"""
0>|$ rg -C1 --heading max_connections conf/

1>|conf/primary.ini
2.|11-[pool]
2.|12:max_connections = 200
2.|13-min_connections = 10
2~|--
2.|40-# replica reads
2.|41:max_connections_read = 120
2.|42-timeout = 30

1>|conf/replica.ini
2.|7-[pool]
2.|8:max_connections = 80
2.|9-min_connections = 80

1>|conf/reporting.ini
2.|3-; not used since v4
2.|4:;max_connections = 900
2.|5-[pool]
2.|6:max_connections = 500
2.|7-min_connections = 0

1>|conf/test.ini
2.|1-[pool]
2.|2:max_connections = 5
2.|3-min_connections = 1
""",
)

# 29 --------------------------------------------------------------------------------------------------------------
spec(
    "srt-fr",
    "subtitles",
    "Où se trouve la clé de la cave ?",
    [0.5, 0.25],
    "La clé n'est pas dans le tiroir,\nelle est sous le pot bleu.",
    r"""
0.|1
0+|00:00:41,200 --> 00:00:43,900
0+|Tu es rentrée tard.

0.|2
0+|00:00:44,100 --> 00:00:47,000
0+|- Le train n'est pas parti à l'heure.
0+|- Encore ?

0.|3
0+|00:00:49,300 --> 00:00:52,800
0+|Qui est descendu à la cave ?
0+|La porte était ouverte.

0.|4
0+|00:00:53,000 --> 00:00:55,100
0+|Pas moi. Demande à Victor.

0.|5
0+|00:00:56,400 --> 00:00:59,900
0+|La clé n'est pas dans le tiroir,
0+|elle est sous le pot bleu.

0.|6
0+|00:01:00,200 --> 00:01:02,000
0+|<i>Depuis quand ?</i>

0.|7
0+|00:01:02,300 --> 00:01:06,700
0+|Depuis que ton frère
0+|n'a plus le droit d'y aller.

0.|8
0+|00:01:07,000 --> 00:01:09,400
0+|[tonnerre]

0.|9
0+|00:01:10,100 --> 00:01:13,500
0+|Il n'a jamais rien volé, tu sais.
""",
)

# 30 --------------------------------------------------------------------------------------------------------------
spec(
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
    also=[balanced([(r"\begin{", r"\end{"), (r"\[", r"\]")])],
)

# 31 --------------------------------------------------------------------------------------------------------------
spec(
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
)

# 32 --------------------------------------------------------------------------------------------------------------
spec(
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
)

# 33 --------------------------------------------------------------------------------------------------------------
spec(
    "pdf-numbered",
    "PDF text, numbered headings without marks, hard-wrapped",
    "How much will the new library cost?",
    [0.5, 0.25],
    "3.2 Library",
    r"""
0>%|3 Investments

1>|3.1 School gymnasium

2p|The gymnasium of the north school will be rebuilt at a cost of 2.3
2_|million euros. ¦No state aid has been granted for it so far.

1>|3.2 Library

2p|The council has set aside 4.1 million euros for the new library, not
2_|counting the land. ¦Building will not begin before 2026. ¦The old house
2_|will be sold only if the heritage office agrees.

1>|3.3 Fire station

2p|Costs of 1.7 million euros were rejected by the council in May. ¦A
2_|smaller plan is due in autumn.

0>%|4 Staff

1>%|4.1 Posts

2p|Eleven posts are vacant. ¦Three of them will not be filled.

1>%|4.2 Pay

2p|Pay rises by 5.5 percent from March, except for managers. ¦The cost is
2_|1.2 million euros a year.
""",
)

# 34 --------------------------------------------------------------------------------------------------------------
spec(
    "preise-zh",
    "price list in Chinese",
    "普洱茶饼的价格是多少？",
    [0.5, 0.3],
    "普洱茶饼",
    r"""
0>%|云山茶庄价目表（2024年秋）

1>%|一、绿茶
2.|1. 龙井，每斤680元，¦=满两斤减50元。
2.|2. 碧螺春，每斤520元，¦=今年缺货，不接受预订。
2.|3. 毛峰，每斤310元，¦=不含包装。

1>%|二、普洱
2.|4. 普洱茶饼（生），每饼260元，¦=只限会员购买。
2.|5. 普洱茶饼（熟），每饼198元，¦=满十饼九折。
2.|6. 散装普洱，每斤120元，¦=不参加任何折扣。

1>%|三、茶具
2.|7. 紫砂壶，价格１，２８０元，¦=除裂纹外不予退换。
2.|8. 玻璃杯，每只三十五元，¦=不可进微波炉。

1p|邮费十二元，¦=满三百元免邮，但新疆和西藏除外。
1p|价格自十月一日起有效。¦本店周一休息。
""",
)

# 35 --------------------------------------------------------------------------------------------------------------
spec(
    "protokoll-de",
    "minutes",
    "Was wurde zum Spielplatz beschlossen?",
    [0.5, 0.25],
    "Spielplatz",
    r"""
0>%|Protokoll der Mitgliederversammlung vom 14. März

1>|TOP 1: Kassenbericht
2>|Frau Özdemir:
3p|Die Kasse weist 8.412,60 Euro auf. ¦Davon sind 3.000 Euro nicht frei verfügbar.
2.|Beschluss: Der Vorstand wird bei zwei Enthaltungen entlastet.

1>|TOP 2: Spielplatz
2>|Herr Lorenz:
3p|Ein neues Klettergerüst kostet rund 12.000 Euro. ¦Die Stadt zahlt nichts dazu.
2>|Frau Özdemir:
3p|Ich bin dagegen, solange der Zaun nicht repariert ist.
2.|Beschluss: ¦>Das Klettergerüst wird nicht gekauft. ¦Der Zaun wird bis zum 30. Juni repariert.

1>|TOP 3: Sommerfest
2>|Herr Lorenz:
3p|Das Fest findet am 6. Juli statt, falls die Wiese frei ist.
2.|Beschluss: Vertagt.

1>|TOP 4: Beiträge
2>|Frau Kim:
3p|Der Beitrag bleibt bei 48 Euro. ¦Für Studierende fällt er weg.
2.|Beschluss: Einstimmig angenommen.
""",
)

# 36 --------------------------------------------------------------------------------------------------------------
spec(
    "recette-fr",
    "recipes with steps and ingredients",
    "Combien de sucre faut-il pour la crème ?",
    [0.5, 0.3],
    "- 60 g de sucre",
    r"""
0>|## Tarte aux poires

1>|Pour la pâte :
2.|- 200 g de farine
2.|- 100 g de beurre froid
2.|- 80 g de sucre
2.|- pas de sel si le beurre est salé

1>|Pour la crème :
2.|- 3 œufs
2.|- 60 g de sucre
2.|- 20 cl de crème

1>|Étapes :
2.|1. Mélanger la farine et le beurre sans trop travailler la pâte.
2.|2. Laisser reposer une heure, jamais au congélateur.
2.|3. Cuire 35 minutes à 180 °C, ou 30 seulement si le four est à chaleur tournante.

0>|## Riz au lait

1>|Ingrédients :
2.|- 1 l de lait
2.|- 120 g de riz rond
2.|- 90 g de sucre

1>|Étapes :
2.|1. Ne pas rincer le riz.
2.|2. Cuire 40 minutes à feu doux.
2.|3. Ajouter le sucre à la fin, hors du feu.
""",
)
