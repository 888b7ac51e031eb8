"""Texts of another style than the tagger was trained on: other templates, other names, streets, towns, firms.

Used by ``bench/guards_pii.py``. Nothing here is read by training, and no name here stands in its lists.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

GIVEN = (
    "Thaddeus Winifred Leopold Rosalind Ignatius Cordelia Barnaby Ottilie Hjalmar Ragnhild Zbynek Libuše Casimir "
    "Jadwiga Eulalia Fermín Baptiste Apolline Gioacchino Ornella Xiulan Jiahui Ryosuke Chihiro Taeyang Nari "
    "Oluwatobi Ifeoma Kwaku Adwoa Siddharth Madhuri Jaspreet Haruka Khadim Soukaina Anouar Lubna Yevhen Zlata "
    "Artur Brigid Cormac Saoirse Iolo Angharad Torquil Morag Wendell Lucille Clyde Marjorie Darnell Latoya "
    "Priscilla Rodolfo Graciela Eusebio Anahí Thibaud Maëlle Joaquim Benedita Heitor Dieuwke Floris Ruben Eljas "
    "Vesa Sverre Åshild Dagfinn Lennart Gunilla Bohuslav Květa Rastislav Zdravko Branka Slavica Cosmin Anca"
).split()
FAMILY = (
    (
        "Abercrombie Birtwistle Culpepper Dankworth Eckersley Featherstone Goldsworthy Hollingsworth Illingworth "
        "Jephcott Kirkbride Loxley Micklethwait Netherwood Oglethorpe Pemberton Quiller Rowbottom Shuttleworth "
        "Threlfall Umpleby Vickers Wolstenholme Yardley Brandstetter Dörfler Eisenhut Fürst Grünwald Haslinger "
        "Kirchner Lindner Nussbaum Obermayer Pfister Reisinger Sailer Trautmann Überall Wachter Arsenault Bissonnette "
        "Courtemanche Desrosiers Falardeau Guillemette Laframboise Thibodeau Acevedo Barragán Cisneros Escamilla "
        "Figueroa Galindo Huerta Jaramillo Lugo Montoya Orozco Pedraza Quintero Rentería Saldaña Tovar Villaseñor "
        "Zamora Abbiati Bertolucci Capuano Di Tommaso Fumagalli Ghirlandaio Locatelli Nigro Pasquini Quaranta "
        "Scarpa Tortora Zappacosta Bezerra Falcão Peixoto Quaresma Sardinha Trindade Vasconcelos Achterberg Blokland "
        "Doornbos Hoogeveen Klaassen Oosterhuis Ruijters Zwart Ahlgren Blomqvist Dahlgren Ekström Fagerlund Grönlund "
        "Hellström Isaksson Kallio Lindqvist Norberg Salonen Bartoš Čapek Hruška Kadlec Macek Šťastný Zelenka "
        "Bielecki Chmielewski Gajewski Kasprzak Lis Mroczek Sobczak Urbański Achebe Danjuma Ekwueme Iwobi Nnamdi "
        "Afolabi Tshabalala Sithole Mahlangu Agyeman Quaye Chaudhary Dutta Gokhale Hegde Kamath Lamba Mistry Oberoi "
        "Rastogi Saxena Thakur Vaidya Fujimoto Hasegawa Ishikawa Kurosawa Miyazaki Ogawa Sakamoto Ueda Baek Moon Noh"
    )
    .replace("Di Tommaso", "DiTommaso")
    .split()
)
TOWN = (
    "Aberystwyth|Basingstoke|Cheltenham|Darlington|Eastbourne|Folkestone|Guildford|Harrogate|Kettering|Scunthorpe|"
    "Albuquerque|Boise|Chattanooga|Duluth|Eugene|Flagstaff|Grand Rapids|Huntsville|Kalamazoo|Lexington|Missoula|"
    "Shreveport|Spokane|Wilmington|Bayreuth|Chemnitz|Erlangen|Göttingen|Ingolstadt|Jena|Kassel|Oldenburg|Passau|"
    "Avignon|Bayonne|Chambéry|Colmar|Lorient|Pau|Quimper|Badajoz|Cáceres|Girona|Logroño|Tarragona|Ancona|Caserta|"
    "Foggia|Piacenza|Ponferrada|Trento|Udine|Leiria|Viseu|Deventer|Gouda|Hoorn|Venlo|Borås|Falun|Kalmar|Vejle|"
    "Horsens|Drammen|Kuopio|Lahti|Elbląg|Koszalin|Opava|Jihlava|Osijek|Kranj|Ogbomosho|Tamale|Nakuru|Polokwane|"
    "Vadodara|Rajkot|Madurai|Kagoshima|Niigata|Gwangju|Hsinchu|Ipoh|Bendigo|Rotorua"
).split("|")
COUNTRY = (
    "Malta|Luxemburg|Panama|Costa Rica|Jamaica|Honduras|Paraguay|Mongolia|Bhutan|Madagascar|Malawi|Liberia|Gabon|"
    "Fiji|Slovakia|Azerbaijan|Uzbekistan|Cuba|Haiti|Brunei"
).split("|")
ENGLISH = "Larkspur|Tannery|Bramble|Foundry|Gallows Hill|Saddlers|Wharf|Copperfield|Nightingale|Hawthorn|Monument|Quarry"
ENGLISH_TYPE = "Street|Lane|Road|Avenue|Close|Drive|Court|Way|Boulevard|Gardens|St|Rd|Ave"
FOREIGN = (
    "Eichendorffstraße {n}|Am Alten Hafen {n}|Lerchenweg {n}|Theaterplatz {n}|{n} rue des Tanneurs|{n}, avenue Foch|"
    "{n} chemin du Lavoir|Calle Serrano, {n}|Paseo de Gracia {n}|Avenida de los Pinos {n}|Via Cavour {n}|"
    "Corso Italia, {n}|Rua da Prata, {n}|Travessa das Amoreiras {n}|Oudegracht {n}|Spoorlaan {n}|Parkgatan {n}|"
    "Havnegade {n}|Rantakatu {n}|ul. Świętokrzyska {n}|Šumavská {n}|Ilindenska {n}"
)
FIRM = (
    "Halberd|Tessellate|Marrow|Kestrel|Oblique|Palisade|Thornfield|Lodestar|Wexley|Corvid|Ballast|Dovetail|Gantry|"
    "Inkwell|Mulberry|Northgate|Paragon|Rookery|Saltmarsh|Trellis"
)
FIRM_END = (
    " Ltd| Inc.| LLC| GmbH| AG| S.A.| BV| plc| Logistics| Insurance| Software| Bank| Clinic| Foundation| Partners| "
    "Pharmaceuticals| Hotels| Energy Group| Legal LLP| Print & Copy"
)
KNOWN = "Philips|Renault|Hitachi|Ericsson|Canon|Mazda|Danone|L'Oréal|Heineken|Volvo|Western Union|Marks & Spencer|Oxfam"

TEMPLATES = (
    "[agent] Thanks for holding. Am I speaking with {N}?\n[caller] Yes, {G} speaking.",
    "[09:14] visitor: hi\n[09:14] visitor: its {N}, I wrote to you on Monday\n[09:15] bot: Welcome back, {G}!",
    "RE: Claim 77120\nThe insured, {N}, reported water damage at {A}. Our surveyor {N} will visit on Thursday.",
    "Discharge summary. {T} {F} was seen by {T} {F} in the outpatient department of {O}. Follow-up in six weeks.",
    "Minutes. Present: {N} (chair), {N}, {G} {F}. Apologies: {N}.",
    "To the attention of {T} {N}, {O}, {A}.",
    "Candidate {N} interviewed well; {G} has ten years at {O} and two at {O}.",
    "Reference check: I managed {N} at {O} in {P} and would rehire {G} at any time.",
    "Tenancy agreement between {N} (landlord) and {N} (tenant) for the flat at {A}.",
    "Police report: the suspect, identified as {N}, fled towards {P}. Witness {N} lives at {A}.",
    "LOST: grey tabby, answers to Mittens. If found please bring to {A} or ring {G}.",
    "Dear colleagues, please welcome {N}, who joins us from {O}. {G} will sit with {G} on the third floor.",
    "{O} confirmed today that it will open a plant in {P}, creating 400 jobs, its spokeswoman {N} said.",
    "The court in {P} ordered {O} to pay damages to {N}.",
    "{F} added that talks with {O} were continuing.",
    "Pls forward the attached to {N} over at {O} - she asked for it twice.",
    "our driver {G} will collect the pallets from {A} before noon",
    "INSERT INTO customers (name, street, city) VALUES ('{N}', '{A}', '{P}');",
    "customer_name={N} customer_city={P} customer_country={C}",
    "<contact><fullName>{N}</fullName><employer>{O}</employer></contact>",
    "Guest book: A lovely stay! - {G} and {G}, {P}",
    "Prescriber: {T} {N}\nPharmacy: {O}\nPickup by: {N}",
    "I am the executor for the estate of {N}, formerly of {A}.",
    "Would it be possible for my partner, {N}, to collect the keys instead of me?",
    "The gift should say: Happy anniversary {G}, with love from {G}.",
    "Please remove {N} as a driver and add {N} from 1 March.",
    "The scholarship was awarded to {N} of {P}, {C}.",
    "Our family moved from {P} to {P} when I was six.",
    "We are planning a fortnight in {C}; which vaccinations do we need?",
    "My flight from {P} was rerouted through {P}.",
    "Which branch in {P} is open on Saturday?",
    "I was overcharged by {O} and they refuse to answer.",
    "Is {O} part of {O}?",
    "Our supplier {O} was taken over by {O} last spring.",
    "I've been with {O} for twelve years, never a problem until now.",
    "Kindest,\n{G}\n--\n{N}\n{O}\n{A}",
    "Yours faithfully\n{N}\nHead of Claims, {O}",
    "{N}\n{A}\n{C}",
    "Mail to:\n{N}\nc/o {O}\n{A}",
    "Forwarding address from next month: {A}.",
    "We are now at {A}, opposite the post office.",
    "The technician waited outside {A} for half an hour.",
    "Could you check whether {A} is covered by fibre?",
    "Return label: {N}, {A}, {C}.",
    "Ich bin's, {G}. Der Techniker war gestern bei uns in der {A}, aber niemand hat geöffnet.",
    "Der Vertrag lautet auf {N}, wohnhaft {A}.",
    "Herrn {N} wurde von {O} gekündigt.",
    "Le dossier de {N}, domicilié {A}, a été transmis à {O}.",
    "Ma voisine {G} {F} a reçu mon colis par erreur.",
    "El titular, don {N}, con domicilio en {A}, solicita la baja.",
    "Hablé con {G} de {O} y no supo ayudarme.",
    "Il contratto è intestato a {N}, residente in {A}.",
    "A fatura está em nome de {N}, com morada na {A}.",
    "De heer {N} van {O} belt u morgen terug.",
    "Umowa jest na {N}, {A}.",
    "Kontrakten gäller {N}, {A}.",
)
FORMED = (
    "Ring {H} after six or write to {E}, whichever suits.",
    "card ending soon: {K}, exp 09/28",
    "Pay {I} and quote the booking.",
    "My details: {E} / {H} / born {D}",
    "client 10 from {J} was refused; see {W} for why",
    "SSN {S}, mobile {H}",
    "Postcode {Z}. Phone {H}.",
    "E-mail: {E}\nTelephone: {H}\nIBAN: {I}",
    "I paid twice with {K} and once with {K}!",
    "the charge on {K} is not mine, call {H}",
    "{E};{H};{I}",
    "Bitte überweisen Sie auf {I}. Rückfragen: Tel. {H}",
    "Ma carte {K} est bloquée, mon e-mail est {E}",
    "Mi teléfono es {H}, nacida el {D}",
    "login from {J} at 03:12, session closed",
    "date of birth: {D}, zip {Z}",
    "my number changed from {H} to {H}",
    "More on {W} or by mail to {E}.",
)
PLAIN = (
    "Where can I find the meter reading on the bill?",
    "The Terms say thirty days, but Support told me fourteen.",
    "Please escalate, this is the Fourth Ticket about the same Fault.",
    "Installation failed with code 0x80070005 after Step 7.",
    "Do I need Adaptive Cruise Control with the Comfort Package?",
    "Both tyres lose pressure overnight, any Idea?",
    "Boil the pasta for nine minutes, then drain well.",
    "The Annual General Meeting takes place in the Great Hall.",
    "Ich brauche eine Rechnung mit ausgewiesener Mehrwertsteuer.",
    "Le Service Client n'est joignable que le matin.",
    "¿Puedo cambiar la fecha de entrega?",
    "my broadband keeps dropping every evening around eight",
    "Does the Family Plan include roaming?",
    "SELECT id, total FROM orders WHERE status = 'OPEN' LIMIT 20;",
    "Battery at 4 %, charger cable included, no manual.",
    "Thanks - all sorted now!",
    "Order 4471882901 from 2026-03-14 has not shipped.",
    "Firmware 10.2.0.41 broke it, 9.8.1.3 was fine.",
    "Invoice INV-2026-0099812 over 1,249.00 euros is unpaid.",
    "ISBN 9780306406157, 24 copies at $12.95",
    "Run tracking 00340434161094042557 again please.",
)
TITLES = "Mr|Mrs|Ms|Dr|Prof.|Mr.|Dr.|Mme|Herr|Frau"
KINDS = {
    "E": "email",
    "H": "phone",
    "K": "card",
    "I": "iban",
    "W": "url",
    "J": "ip",
    "D": "birth_date",
    "Z": "postcode",
    "S": "us_ssn",
    "N": "name",
    "G": "name",
    "F": "name",
    "A": "address",
    "O": "organisation",
    "P": "place",
    "C": "place",
}
_SLOT = re.compile(r"\{([A-Z])\}")


@dataclass(frozen=True, slots=True)
class Text:
    """A text, its entities (start, end, kind), and the template it was made from."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    template: str


def other_texts(count: int, *, seed: int) -> Iterator[Text]:
    """So many texts, one in six without an entity."""
    rng = random.Random(seed)
    for number in range(count):
        if number % 6 == 5:
            plain = rng.choice(PLAIN)
            yield Text(plain, (), plain)
            continue
        template = rng.choice(FORMED if number % 3 == 2 else TEMPLATES)
        parts: list[str] = []
        spans: list[tuple[int, int, str]] = []
        length, last = 0, 0
        for match in _SLOT.finditer(template):
            parts.append(template[last : match.start()])
            length += len(parts[-1])
            value = _value(match[1], rng)
            kind = KINDS.get(match[1])
            if kind == "name" and parts[-1] == " " and spans and spans[-1][1:] == (length - 1, kind):
                spans[-1] = (spans[-1][0], length + len(value), kind)
            elif kind is not None:
                spans.append((length, length + len(value), kind))
            parts.append(value)
            length += len(value)
            last = match.end()
        parts.append(template[last:])
        yield Text("".join(parts), tuple(spans), template)


def _value(slot: str, rng: random.Random) -> str:
    def one(words: str) -> str:
        return rng.choice(words.split("|"))

    given, family = rng.choice(GIVEN), rng.choice(FAMILY)
    if slot == "N":
        forms = (f"{given} {family}",) * 6 + (
            f"{given[0]}. {family}",
            f"{given} {rng.choice('BDLMR')}. {family}",
            f"{given} {rng.choice(FAMILY)}-{family}",
            f"{given} {rng.choice(GIVEN)} {family}",
        )
        return rng.choice(forms)
    if slot == "A":
        number = rng.randint(1, 240)
        street = (
            f"{number} {one(ENGLISH)} {one(ENGLISH_TYPE)}"
            if rng.random() < 0.5
            else one(FOREIGN).format(n=number)
        )
        return rng.choice(
            (
                street,
                f"{street}, {rng.choice(TOWN)}",
                f"{street}, {rng.randint(10000, 98999)} {rng.choice(TOWN)}",
                f"{street}, {rng.choice(TOWN)}, {rng.choice(COUNTRY)}",
                f"Flat {rng.randint(1, 30)}, {street}, {rng.choice(TOWN)}",
            )
        )
    if slot == "O":
        return one(KNOWN) if rng.random() < 0.25 else one(FIRM) + one(FIRM_END).rstrip()
    if slot in _MADE:
        return _MADE[slot](rng)
    simple = {"G": given, "F": family, "P": rng.choice(TOWN), "C": rng.choice(COUNTRY), "T": one(TITLES)}
    return simple[slot]


def _digits(form: str, rng: random.Random) -> str:
    return "".join(
        rng.choice("0123456789") if c == "#" else rng.choice("123456789") if c == "%" else c for c in form
    )


def _card(rng: random.Random) -> str:
    start, size = rng.choice(
        (("4", 16), ("52", 16), ("2225", 16), ("37", 15), ("6011", 16), ("36", 14), ("4", 13), ("50", 12))
    )
    digits = start + _digits("#" * (size - len(start) - 1), rng)
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits)))
    digits += str(-total % 10)
    if size == 16 and rng.random() < 0.6:
        return rng.choice((" ", "-")).join(digits[i : i + 4] for i in range(0, 16, 4))
    return digits


def _iban(rng: random.Random) -> str:
    country, body = rng.choice(
        (
            ("DE", "#" * 18),
            ("GB", "ABCD" + "#" * 14),
            ("NL", "INGB" + "#" * 10),
            ("FR", "#" * 23),
            ("PL", "#" * 24),
        )
    )
    account = _digits(body, rng)
    value = int("".join(str(int(c, 36)) for c in account + country)) * 100
    code = f"{country}{98 - value % 97:02}{account}"
    return " ".join(code[i : i + 4] for i in range(0, len(code), 4)) if rng.random() < 0.5 else code


def _phone(rng: random.Random) -> str:
    forms = (
        "+44 7%## ######", "+1 %##-%##-####", "(%##) %##-####", "%##.%##.####", "0%# %## ## ##", "0%## ########", "+49 1%# #######",
        "+33 6 ## ## ## ##", "06 ## ## ## ##", "+34 6## ### ###", "0%###/######", "+48 ### ### ###", "00%# ## ### ####",
    )  # fmt: skip
    return _digits(rng.choice(forms), rng)


def _birth(rng: random.Random) -> str:
    year, month, day = rng.randint(1940, 2005), rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice(
        (
            f"{day:02}.{month:02}.{year}",
            f"{day}/{month}/{year}",
            f"{year}-{month:02}-{day:02}",
            f"{day} May {year}",
        )
    )


def _mail(rng: random.Random) -> str:
    user = rng.choice(GIVEN).lower() + rng.choice((".", "_", "", "+news.")) + rng.choice(FAMILY).lower()
    return f"{user}@{rng.choice(('posteo.de', 'inbox.lv', 'uni-west.ac.uk', 'shop.example', 'mail.example.com'))}"


_MADE = {
    "E": _mail,
    "H": _phone,
    "K": _card,
    "I": _iban,
    "W": lambda rng: rng.choice(
        (
            "https://help.example/a?id=7",
            "www.bluewharf.co.uk/faq",
            "http://10minutes.example/x_(y)",
            "kestrel.io",
        )
    ),
    "J": lambda rng: (
        ".".join(str(rng.randint(1, 254)) for _ in range(4))
        if rng.random() < 0.7
        else "2a02:810d:8abf::17:c0de"
    ),
    "D": _birth,
    "Z": lambda rng: _digits(rng.choice(("%####", "SW%# %AB", "%### AB", "%####-####")), rng),
    "S": lambda rng: _digits("2%#-%#-%###", rng),
}
