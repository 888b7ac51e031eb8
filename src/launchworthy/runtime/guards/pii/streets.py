"""Postcodes, and street addresses that are written in a known form.

Standard library only. Addresses in other forms are left to the tagger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from launchworthy.runtime.guards.pii.reading import Reading
from launchworthy.runtime.guards.verdict import Finding

__all__ = ["find_postcodes", "find_streets"]

_AFTER_ENGLISH = (
    "street st road rd avenue ave av boulevard blvd lane ln drive dr court ct place pl square sq "
    "terrace ter crescent cres close way parkway pkwy highway hwy circle cir trail grove gardens mews "
    "row quay hill walk plaza loop alley turnpike pike rise broadway view heights parade"
).split()
_JOINED = "|".join(
    r"strasse straße str\. weg gasse allee platz ufer damm ring straat laan plein kade gracht dijk gatan "
    r"vägen gata gade vej vejen veien gaten tie katu kuja stræde steeg singel hof utca".split()
)
_BEFORE = "|".join(
    r"rue avenue av\. boulevard bd allée chemin impasse quai place cours via viale vicolo corso piazza largo "
    r"calle c/ avenida avda\.? paseo plaza carrera camino rúa rua travessa praça alameda estrada ul\. ulica "
    r"aleja al\. ulice ulitsa улица ул\. strada str\. calea bulevardul rruga jalan jl\.".split()
)
_OF = r"(?:(?:de la|de los|de las|de l'|del|della|dei|des|du|de|da|do|dos|d'|el|la|le) ?){0,2}"
_CAP = r"[A-ZÀ-ÞĀ-ſА-ЯΑ-Ω0-9][\w'’.-]{0,24}"
_UNIT_WORD = "apt|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|building"
_UNIT = rf"(?:,? ?\n? ?(?i:{_UNIT_WORD})\b\.? ?#?[\w-]{{1,8}}|,? ?#[\w-]{{1,8}})"
_ENGLISH_END = "|".join(
    sorted({form for w in _AFTER_ENGLISH for form in (w.capitalize(), w.upper())}, key=len, reverse=True)
)

_ENGLISH = re.compile(
    r"(?<![\w.,/-])[0-9]{1,6}[A-Za-z]?(?:[-/][0-9]{1,5}[A-Za-z]?)? "
    rf"(?:[NSEW]\.? |North |South |East |West )?(?:{_CAP} ){{1,4}}?(?:{_ENGLISH_END})"
    rf"\b\.?(?: [NSEW]{{1,2}}\b)?{_UNIT}{{0,2}}"
)
_LOWER = re.compile(
    r"(?<![\w.,/-])[0-9]{1,6} (?:[a-z][a-z'’-]{1,20} ){1,3}?"
    rf"(?:street|st|road|rd|avenue|ave|boulevard|blvd|lane|drive)\b{_UNIT}{{0,2}}"
)
_COMPOUND = re.compile(
    rf"(?<!\w)(?:{_CAP}[ -]){{0,2}}[A-ZÀ-ÞĀ-ſ][\w’'-]{{0,30}}?(?:[ -](?i:{_JOINED})|(?:{_JOINED}))"
    r" ?[0-9]{1,5} ?[a-zA-Z]?(?:-[0-9]{1,4})?(?!\w)"
)
_PREFIXED = re.compile(
    rf"(?<!\w)(?:(?<![\w.,/-])[0-9]{{1,5}} ?(?:bis|ter)?,? )?(?i:{_BEFORE}) ?{_OF}"
    rf"(?:{_CAP} ?){{1,4}}(?:,? (?:n[.°º]? ?|nº ?)?[0-9]{{1,4}}[A-Za-z]?)?(?!\w)"
)
_BOX = re.compile(
    r"(?<!\w)(?:p\.? ?o\.? ?box|post office box|postfach|boîte postale|apartado(?: de correos)?|"
    r"casella postale|postbus) [0-9]{1,6}(?!\w)"
    r"|(?<!\w)(?:psc|cmr|unit) [0-9]{2,5},? box [0-9]{2,5}(?!\w)",
    re.IGNORECASE,
)
_HAS_NUMBER = re.compile("[0-9]")

_CODE = re.compile(
    r"(?: ?(?:code|number|no|nr)?\.? ?(?:is|was|:|=|#|-|to|are)? {0,2})"
    r"([A-Z0-9]{2,5}(?:[ -][A-Z0-9]{2,5})?)(?!\w)",
    re.IGNORECASE,
)
_CODE_WORD = re.compile(
    r"(?<!\w)(?:zip(?: ?code)?|post ?codes?|postal(?: code)?|plz|postleitzahl|code postal|código postal|"
    r"codigo postal|eircode|pin ?code|cep)(?!\w)",
    re.IGNORECASE,
)
_BRITISH = re.compile(r"(?<![\w-])(?:GIR 0AA|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][ABD-HJLNP-UW-Z]{2})(?![\w-])")
_CANADIAN = re.compile(
    r"(?<![\w-])[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][ -]?[0-9][ABCEGHJ-NPRSTV-Z][0-9](?![\w-])"
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|"
    "OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR|AE|AP|AA"
)
_AMERICAN = re.compile(rf"(?<!\w)(?:{_STATES}),? ([0-9]{{5}}(?:-[0-9]{{4}})?)(?![\w-])")
_AMERICAN_TOWN = rf"(?:{_STATES}),? [0-9]{{5}}(?:-[0-9]{{4}})?"
_LOCALITY = re.compile(
    rf",? ?\n? ?(?:[A-Z]{{1,2}}-)?(?:[0-9]{{4,5}} )?(?:{_CAP} ?){{1,3}}"
    rf"(?:,? (?:{_AMERICAN_TOWN}|[A-Z]{{1,2}}[0-9][A-Z0-9]? ?[0-9][A-Z]{{2}}))"
    rf"|,? ?\n? ?(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}} {_CAP}"
)


def find_streets(reading: Reading) -> Iterator[Finding]:
    """Street addresses with a number, and boxes; the place after a street belongs to it."""
    text = reading.text
    for pattern, score in ((_ENGLISH, 0.75), (_LOWER, 0.6), (_COMPOUND, 0.75), (_PREFIXED, 0.7), (_BOX, 0.9)):
        for match in pattern.finditer(text):
            start, end = match.start(), len(match[0].rstrip(" ,")) + match.start()
            if pattern is _PREFIXED and _HAS_NUMBER.search(text, start, end) is None:
                continue
            place = _LOCALITY.match(text, end)
            end = place.end() if place else end
            while text[end - 1] in " ,.":
                end -= 1
            yield Finding(start, end, "address", score)


def find_postcodes(reading: Reading) -> Iterator[Finding]:
    """Codes that a word calls a postcode, and those of countries whose form says enough."""
    text = reading.text
    for word in _CODE_WORD.finditer(text):
        code = _CODE.match(text, word.end())
        if code is not None:
            written = code[1] if _HAS_NUMBER.search(code[1][-3:]) else code[1].split(" ")[0]
            if _HAS_NUMBER.search(written):
                yield Finding(code.start(1), code.start(1) + len(written), "postcode", 0.85)
    for pattern, score in ((_BRITISH, 0.65), (_CANADIAN, 0.65)):
        for match in pattern.finditer(text):
            yield Finding(match.start(), match.end(), "postcode", score)
    for match in _AMERICAN.finditer(text):
        yield Finding(match.start(1), match.end(1), "postcode", 0.65)
