"""Texts of sentences and clauses: contracts, questions with their answers, doses, a warranty."""

from __future__ import annotations

from meaning.entries import written
from meaning.notation import Doc

INPUTS = [
    written(
        "lease-de",
        "contract",
        "Wann darf der Mieter die Wohnung untervermieten?",
        [0.5, 0.25, 0.15],
        "Untervermietung",
        r"""
0>|§ 7 Kündigung
1.|(1) ¦>Die Kündigungsfrist beträgt für beide Parteien drei Monate zum Monatsende. ¦=Dies gilt nicht, soweit der
  |Vermieter nach § 543 BGB fristlos kündigen darf.
1.|(2) Der Vermieter darf vor Ablauf des dritten Mietjahres nicht wegen Eigenbedarfs kündigen, es sei denn, er hat den
  |Bedarf bei Vertragsschluss schriftlich angezeigt.

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
    ),
    written(
        "services-agreement-en",
        "contract, list with a tail, definitions",
        "When can the Customer claim service credits?",
        [0.5, 0.3, 0.15],
        "service credits",
        r"""
0>%|1. DEFINITIONS
1>|In this Agreement the following words have these meanings:
2.|"Downtime" means any period of more than five consecutive minutes in which the Service cannot be reached, other
  |than Planned Maintenance.
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
    ),
    written(
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
    ),
    written(
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
2.|Oui, mais seulement dans les quatorze jours qui suivent l'achat, et à condition de n'être pas encore entré dans
  |l'eau.

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
    ),
    written(
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
    ),
    written(
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
    ),
    written(
        "dosage-en",
        "dosage sentences, several documents",
        "What is the maximum daily dose of Veltarin for children?",
        [0.5, 0.25, 0.12],
        "Children under twelve",
        Doc(
            r"""
0p|Adults may take one tablet of Veltarin every six hours, but not more than four tablets (2 g) in a day, and not for
  |more than five days without seeing a doctor. ¦Children under twelve must not be given more than 15 mg of Veltarin
  |per kilogram a day unless a doctor who knows their liver values has prescribed it. ¦The tablets are round and
  |white. ¦They are sold in boxes of twenty.

0p|No patient who takes blood thinners, or who has had a stomach bleed within the last year, should use Veltarin for
  |longer than two days. ¦Neither alcohol nor grapefruit juice changes how it works. ¦It may be taken with food.
""",
            title="Veltarin 500 mg",
        ),
        Doc(
            r"""
0p|Children from six to twelve may take 5 ml of Veltarin Forte syrup twice a day, except those who weigh less than 20
  |kg, who may not take it at all. ¦Shake the bottle well. ¦The syrup tastes of cherry and keeps for three months
  |after opening, though only if it stands in the fridge.

0p|It is not true, as was claimed on several parenting sites last winter, that the syrup may be doubled when the fever
  |does not fall. ¦Call a doctor if it lasts longer than three days.
""",
            title="Veltarin Forte syrup",
        ),
        Doc(
            r"""
0p|Lunaxol is a cream for dry skin. ¦It may be used daily, also on children, as long as it is kept away from the eyes.
  |¦The tube holds 50 g. ¦Wash your hands after use.
""",
            title="Lunaxol",
        ),
    ),
    written(
        "garantie-de",
        "warranty sentences",
        "Ist der Akku von der Garantie erfasst?",
        [0.4, 0.2, 0.1],
        "Akku",
        r"""
0p|Die Nordwerk GmbH gibt auf alle Rasenroboter eine Garantie von drei Jahren ab Kaufdatum, auf gewerblich genutzte
  |Geräte jedoch nur von zwölf Monaten. ¦Der Garten sieht im Frühling am schönsten aus. ¦Der Akku ist, anders als in
  |der Werbung einiger Händler in den Jahren 2021 und 2022 behauptet wurde, von der Garantie nicht erfasst. ¦Messer
  |und Räder sind Verschleißteile, für die z. B. bei starker Nutzung nach ca. 200 Std. kein Ersatz geleistet wird.

0p|Ansprüche erlöschen nicht dadurch, dass das Gerät verkauft wird, sofern die Rechnung übergeben wurde. ¦Kein Käufer,
  |der das Gerät außerhalb der Europäischen Union erworben und nicht binnen 30 Tagen registriert hat, kann eine
  |kostenlose Abholung verlangen. ¦Die Abholung kostet sonst 49,90 Euro. ¦Unser Werk steht in Husum und hat 140
  |Mitarbeiter.

0p|Die Garantie umfasst Wasserschäden nur dann, wenn das Gerät in der Ladestation stand. ¦Der Kundendienst ist Mo. bis
  |Fr. von 8 bis 17 Uhr zu erreichen. ¦Am 24. Dezember ist geschlossen.
""",
    ),
]
