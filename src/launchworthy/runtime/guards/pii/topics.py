"""The words around a number that say what it is, matched as whole words.

Standard library only. ``phone`` in "phone: 555 0100" speaks for what follows it closely, or stands right
after it; ``lic`` inside "public" speaks for nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property

__all__ = ["AFTER", "BEFORE", "Topics"]

BEFORE = 48  # characters before a value within which a word speaks for it
AFTER = 24  # and after

_WORD = re.compile(r"[^\W\d_]+")

# Two words joined by a plus speak only together, next to each other.
_WORDS = {
    "phone": """phone phones telephone tel telephones telefon telefono teléfono téléphone telefone telefoon
        telefonnummer telefonnr handy handynummer rufnummer mobil mobile mobiles cell cellphone
        cellular landline móvil celular gsm fax call dial sms whatsapp signal voicemail hotline
        extension ext appelez llame llámame ruf puhelin telefonu komórka anrufen callback""",
    "reachable": """reach message contact registered desk office portable text texted called calls calling
        ring pager kontakt""",
    "card": """card cards cc creditcard debit credit visa mastercard amex maestro discover diners jcb unionpay
        pan kreditkarte karte kartennummer carte carta tarjeta cartão kaart karta kort
        kreditkort""",
    "iban": "iban account konto kontonummer compte cuenta conto rekening bank",
    "birth": """birth born birthday birthdate dob bday geburtsdatum geburtstag geboren naissance né née
        nacimiento nacido nacida nací nascita nato nata nascimento nascido nascida geboortedatum
        geboorte urodzenia urodzony urodzona född född födelsedatum født fødselsdato syntynyt
        syntymäaika narození""",
    "postcode": """zip zipcode postcode postcodes postal plz postleitzahl cap cep codepostal pincode eircode
        postnummer postnr kod""",
    "version": "version versions release build firmware v ver upgrade upgraded update updated kernel",
    "reference": """order orders invoice ticket tickets tracking reference ref case amount total quantity
        serial sku isbn ean upc article item bestellung bestellnummer rechnung commande
        pedido ordine factuur booking confirmation transaction id parcel shipment build
        commit population revenue price prices cost costs pages votes usd eur gbp
        dollars euros""",
    "us_ssn": "ssn ssns itin social+security socialsecurity taxpayer+identification",
    "uk_nhs": "nhs",
    "uk_nino": "nino national+insurance ni+number",
    "ca_sin": "sin social+insurance assurance+sociale",
    "au_tfn": "tfn tax+file",
    "au_medicare": "medicare",
    "de_tax_id": """steuer steuerid steuernummer identifikationsnummer steueridentifikationsnummer
        steuer+id idnr tax+id tax+identification""",
    "fr_nir": "nir insee sécurité+sociale securite+sociale sécu",
    "es_dni": "dni nif nie",
    "it_codice_fiscale": "codice+fiscale",
    "nl_bsn": "bsn burgerservicenummer sofinummer sofi",
    "be_nrn": "rijksregister rijksregisternummer registre+national national+register niss insz",
    "pl_pesel": "pesel",
    "se_personnummer": "personnummer personnumret",
    "fi_hetu": "hetu henkilötunnus",
    "dk_cpr": "cpr personnummer cprnummer",
    "no_fnr": "fødselsnummer fodselsnummer fnr personnummer",
    "ch_ahv": "ahv avs",
    "br_cpf": "cpf",
    "in_aadhaar": "aadhaar aadhar uidai uid",
    "in_pan": "pan permanent+account",
    "za_id": "id+number identity+number sa+id",
    "cn_resident_id": "id+number identity+card resident+identity 身份证",
    "kr_rrn": "rrn resident+registration",
    "sg_nric": "nric fin",
    "jp_my_number": "my+number mynumber individual+number",
    "mx_curp": "curp",
    "pt_nif": "nif contribuinte",
    "ie_pps": "pps ppsn",
    "tr_kimlik": "kimlik tckn tc",
    "cz_rodne_cislo": "rodné+číslo rodne+cislo rč",
    "hr_oib": "oib",
    "ro_cnp": "cnp",
    "ee_isikukood": "isikukood asmens+kodas personal+code",
    "gr_amka": "amka αμκα",
    "bg_egn": "egn егн",
    "at_svnr": "svnr sozialversicherungsnummer versicherungsnummer",
    "il_id": "teudat+zehut zehut",
}

_TOPICS: dict[str, tuple[str, ...]] = {}
for _topic, _words in _WORDS.items():
    for _word in _words.split():
        _word = _word.replace("+", " ")
        _TOPICS[_word] = (*_TOPICS.get(_word, ()), _topic)


class Topics:
    """What the words of one text say about the values near them."""

    def __init__(self, lower: str) -> None:
        self._lower = lower

    @cached_property
    def _found(self) -> tuple[list[int], list[int], list[tuple[str, ...]]]:
        hits = []
        last, last_end = "", 0
        for match in _WORD.finditer(self._lower):
            start, word = match.start(), match[0]
            topics = _TOPICS.get(word, ())
            if last and start - last_end <= 2:
                topics += _TOPICS.get(f"{last} {word}", ())
            if topics:
                hits.append((start, match.end(), topics))
            last, last_end = word, match.end()
        return [h[0] for h in hits], [h[1] for h in hits], [h[2] for h in hits]

    def near(self, start: int, end: int) -> dict[str, int]:
        """Topics around a value, each with how far its nearest word is; a word after it counts as farther."""
        starts, ends, topics = self._found
        near: dict[str, int] = {}
        place = bisect_left(starts, start)
        for before in range(place - 1, -1, -1):
            away = start - ends[before]
            if away > BEFORE:
                break
            for topic in topics[before]:
                near.setdefault(topic, max(away, 0))
        for after in range(bisect_left(starts, end), len(starts)):
            away = ends[after] - end
            if away > AFTER:
                break
            for topic in topics[after]:
                near[topic] = min(near.get(topic, BEFORE), away + AFTER)
        return near
