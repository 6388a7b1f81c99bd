/** Documents and a question to try the page with. The island and its ferry are made up. */

export const EXAMPLE = {
  question: "What does an adult pay for a ticket on the last Sunday ferry?",
  text: `# The Ostrand ferry: timetable
The ferry Kittiwake sails between Varnhaven and the island of Ostrand all year. The crossing takes 35 minutes. From Monday to Saturday it leaves Varnhaven every hour from 6:10 to 20:10, and Ostrand every hour from 7:00 to 21:00. On Sundays the first ferry leaves Ostrand at 9:00 and the last one at 21:40. Boarding ends five minutes before departure. Storm warnings are posted at both piers by 5:30. ⛴️

---
# Fares
Tickets are sold at the piers and on board; there are no seat reservations.

| ticket | until 20:00 | evening, after 20:00 |
| --- | --- | --- |
| adult, one way | 11.50 | 8.40 |
| child of 6 to 15, one way | 5.80 | 4.20 |
| dog | 2.00 | 2.00 |

Children under 6 travel free. A ten-trip card costs 92.00 and never expires. Prices are in crowns. Cards and coins are taken, notes above 200 are not.

---
# Bicycles and luggage
A bicycle takes 3.50 one way, whatever the hour; folding bicycles in a bag travel free. There is room for 24 bicycles on the car deck, first come, first served. Please push your bicycle up the ramp. Cargo bicycles count as two. Each passenger may bring two pieces of luggage; surfboards go on the rack by the stern. Nothing may be left on the stairs.

---
# History of the harbour
Varnhaven grew around a herring market that is first mentioned in 1411. The stone pier dates from 1783, when the old wooden one had been carried away by ice. Steamers came in 1869, and for thirty years two companies raced each other to the island, at times with the furniture of the saloon in the furnace. The Kittiwake, built in 1998, is the seventh ferry of the line. Her predecessor is a restaurant now. 🐟

---
# Winter service
From 1 November to 15 March the ferry sails every two hours only, and not at all on 24 and 25 December. When ice closes the sound, a hovercraft carries passengers without vehicles. The waiting room at Varnhaven is heated and open from 5:45. In winter the café on board serves soup instead of ice cream, to the regret of some.

---
# Seals and birds
From the upper deck, seals can be seen on the Skarv rocks at low tide, about ten minutes after leaving Varnhaven. Kittiwakes, guillemots and a few puffins breed on the cliffs of Ostrand from April to July. Please do not feed them. Binoculars can be borrowed at the counter against a deposit of 50 crowns. 🦭

---
# Lost property
What was left on board is kept at the harbour office in Varnhaven for 60 days. The office is open from Monday to Friday, 10:00 to 16:00. Umbrellas are kept in a barrel by the door; take one when it rains and bring one back when it does not. Perishable goods are thrown away the same evening.

---
# Groups and schools
Groups of twelve or more pay 9.00 for each adult on weekdays, if they book two days ahead. School classes travel for a flat 120.00, teachers included. Groups cannot be taken on the first ferry of the day, which is full of bread, newspapers and commuters. Ask the office for the saloon: it seats 40 and has a piano, slightly out of tune.
`,
};
