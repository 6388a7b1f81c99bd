"""Texts that have a form but no markup: chats, a mail thread, subtitles, numbered sections, lists, minutes."""

from __future__ import annotations

from meaning.entries import written
from meaning.notation import Doc


def mail_doc(spec: str) -> Doc:
    """What is a message's own needs its From line; a quoted line of the first level its 'wrote' line."""
    doc = Doc(spec)
    lines = [atom.text for atom in doc.atoms]
    sender = next(number for number, line in enumerate(lines) if line.startswith("From:"))
    wrote = next(number for number, line in enumerate(lines) if line.startswith("On Mon"))
    for number, atom in enumerate(doc.atoms):
        if atom.prose:
            doc.soft.discard((number, sender))
        elif atom.text.startswith("> ") and not atom.text.startswith("> >"):
            doc.soft.discard((number, wrote))
    return doc


INPUTS = [
    written(
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
0.|12/5/24, 18:09 - Tomás: ¦>La tortilla la hago yo, pero sin cebolla. ¦Si alguien la quiere con cebolla, que lo diga
  |antes del jueves.
0.|12/5/24, 18:10 - Lucía: ¦>Con cebolla, por favor 🙏
0.|12/5/24, 18:11 - Tomás: ¦>No.
0.|12/5/24, 18:20 - Irene: <Multimedia omitido>
0.|12/5/24, 18:24 - Paula: ¦>Yo llego tarde, a las once. ¦No me esperéis para cenar.
0.|12/5/24, 18:31 - Marcos: ¦>La música la pone Paula, ¿no?
0.|12/5/24, 18:32 - Paula: ¦>Ni hablar.
0.|12/5/24, 18:40 - Lucía: ¦>Entonces la pongo yo con el altavoz de mi hermano.
""",
    ),
    written(
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
    ),
    written(
        "mail-thread-en",
        "mail thread with quoting",
        "What price did Helena agree to?",
        [0.5, 0.25],
        "41,500",
        mail_doc(
            r"""
0>%|From: Helena Brandt <helena@brandt-boats.example>
1>%|Date: Tue, 4 Jun 2024 16:20
2>%|Subject: Re: Re: Sloop "Marit"

3p|Dear Owen, ¦I cannot accept 38,000. ¦I agree to 41,500 euros if you pay before the end of June and collect the boat
  |yourself. ¦The dinghy is not part of it.

3p|Best, Helena

3>%|On Mon, 3 Jun 2024 at 09:11, Owen Pryce wrote:
4.|> Dear Helena,
4.|> My offer is 38,000 euros, dinghy included.
4.|> I would not need the trailer.
4.|>
4>|> On Sat, 1 Jun 2024 at 20:45, Helena Brandt wrote:
5.|> > The asking price is 44,900 euros.
5.|> > Nobody has inspected the keel since 2019.
5.|> > The sails are new, except the spinnaker.
5.|> > You can see her in Kiel on any weekend but the next.
"""
        ),
    ),
    written(
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
    ),
    written(
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
    ),
    written(
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
    ),
    written(
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
    ),
    written(
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
    ),
]
