"""National identity numbers: their forms, their check digits, and the words that must stand near them.

Standard library only. ``alone`` is the score of a number that stands without its words, ``told`` with them.
A check digit alone never lifts a number above what its words allow: one in eleven of all ten-digit numbers
is a valid NHS number. Numbers of 9 and 10 bare digits therefore score below any sensible threshold alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from launchworthy.runtime.guards.pii.checksums import (
    ean13,
    iso7064_11_10,
    luhn,
    real_day,
    verhoeff,
    weighted,
)

__all__ = ["BARE", "LETTERED", "Identity", "Lettered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A number of digits only.

    Attributes:
        kind: What findings are called.
        digits: How many it has.
        check: Whether digits without separators can be one.
        groups: Lengths between separators in its written form; empty where it is written in one.
        formed: Score without words in its written form.
        alone: Score without words as bare digits.
        told: Score with its words near.
    """

    kind: str
    digits: int
    check: Callable[[str], bool]
    groups: tuple[int, ...] = ()
    formed: float = 0.3
    alone: float = 0.2
    told: float = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettered:
    """A number with letters in it: the pattern finds it, the check takes it bare and in capitals."""

    kind: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool]
    alone: float
    told: float = 0.95


def _day(digits: str, *, order: str = "ymd") -> bool:
    """Whether six digits are a day of the last century or this one."""
    parts = {order[i]: int(digits[2 * i : 2 * i + 2]) for i in range(3)}
    return any(real_day(century + parts["y"], parts["m"], parts["d"]) for century in (1900, 2000))


def _us_ssn(d: str) -> bool:
    return d[:3] not in ("000", "666") and d[3:5] != "00" and d[5:] != "0000"


def _uk_nhs(d: str) -> bool:
    return len(set(d)) > 1 and (11 - weighted(d, range(10, 1, -1)) % 11) % 11 == int(d[9])


def _ca_sin(d: str) -> bool:
    return d[0] not in "08" and luhn(d)


def _au_tfn(d: str) -> bool:
    return weighted(d, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _au_medicare(d: str) -> bool:
    return d[0] in "23456" and weighted(d, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(d[8])


def _de_tax_id(d: str) -> bool:
    return d[0] != "0" and len(set(d[:10])) in (8, 9) and iso7064_11_10(d)


def _fr_nir(d: str) -> bool:
    month = int(d[3:5])
    known = 1 <= month <= 12 or 20 <= month <= 42 or month >= 50
    return d[0] in "12" and known and 97 - int(d[:13]) % 97 == int(d[13:])


def _nl_bsn(d: str) -> bool:
    return len(set(d)) > 1 and weighted(d, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _be_nrn(d: str) -> bool:
    number = int(d[:9])
    return int(d[2:4]) <= 12 and int(d[9:]) in (97 - number % 97, 97 - (2_000_000_000 + number) % 97)


def _pl_pesel(d: str) -> bool:
    right = (10 - weighted(d, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == int(d[10])
    return right and 1 <= int(d[2:4]) % 20 <= 12 and 1 <= int(d[4:6]) <= 31


def _se_personnummer(d: str) -> bool:
    short = d[-10:]
    day = int(short[4:6])  # 60 is added to the day of those who have no number yet
    return luhn(short) and _day(f"{short[:4]}{day - 60 if day > 60 else day:02}")


def _dk_cpr(d: str) -> bool:
    return _day(d[:6], order="dmy")


def _no_fnr(d: str) -> bool:
    first = weighted(d, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
    second = weighted(d, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    day = int(d[:2])
    return first and second and _day(f"{day - 40 if day > 40 else day:02}{d[2:6]}", order="dmy")


def _ch_ahv(d: str) -> bool:
    return d[:3] == "756" and ean13(d)


def _br_cpf(d: str) -> bool:
    if len(set(d)) == 1:
        return False
    first = weighted(d, range(10, 1, -1)) * 10 % 11 % 10
    second = weighted(d, range(11, 1, -1)) * 10 % 11 % 10
    return (first, second) == (int(d[9]), int(d[10]))


def _in_aadhaar(d: str) -> bool:
    return d[0] not in "01" and verhoeff(d)


def _za_id(d: str) -> bool:
    return d[10] in "012" and _day(d[:6]) and luhn(d)


def _kr_rrn(d: str) -> bool:
    return _day(d[:6])


def _jp_my_number(d: str) -> bool:
    rest = weighted(d, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return int(d[11]) == (0 if rest <= 1 else 11 - rest)


def _pt_nif(d: str) -> bool:
    rest = weighted(d, range(9, 1, -1)) % 11
    return d[0] in "1235689" and int(d[8]) == (0 if rest < 2 else 11 - rest)


def _tr_kimlik(d: str) -> bool:
    odd, even = sum(int(c) for c in d[0:9:2]), sum(int(c) for c in d[1:8:2])
    tenth = (7 * odd - even) % 10
    return d[0] != "0" and tenth == int(d[9]) and sum(int(c) for c in d[:10]) % 10 == int(d[10])


def _cz_rodne(d: str) -> bool:
    month = int(d[2:4]) % 50
    return 1 <= (month - 20 if month > 20 else month) <= 12 and int(d[:9]) % 11 % 10 == int(d[9])


def _ro_cnp(d: str) -> bool:
    rest = weighted(d, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return d[0] in "12345678" and _day(d[1:7]) and int(d[12]) == (1 if rest == 10 else rest)


def _ee_isikukood(d: str) -> bool:
    rest = weighted(d, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = weighted(d, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return d[0] in "12345678" and _day(d[1:7]) and rest == int(d[10])


def _gr_amka(d: str) -> bool:
    return _day(d[:6], order="dmy") and luhn(d)


def _bg_egn(d: str) -> bool:
    month = int(d[2:4])
    rest = weighted(d, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10
    return _day(f"{d[:2]}{month % 20:02}{d[4:6]}") and month <= 52 and rest == int(d[9])


def _at_svnr(d: str) -> bool:
    rest = weighted(d[:3] + d[4:], (3, 7, 9, 5, 8, 4, 2, 1, 6)) % 11
    return d[0] != "0" and rest == int(d[3])


BARE: tuple[Identity, ...] = (
    Identity(kind="us_ssn", digits=9, check=_us_ssn, groups=(3, 2, 4), formed=0.75),
    Identity(kind="uk_nhs", digits=10, check=_uk_nhs, groups=(3, 3, 4)),
    Identity(kind="ca_sin", digits=9, check=_ca_sin, groups=(3, 3, 3), formed=0.4),
    Identity(kind="au_tfn", digits=9, check=_au_tfn, groups=(3, 3, 3)),
    Identity(kind="au_medicare", digits=10, check=_au_medicare, groups=(4, 5, 1), formed=0.4),
    Identity(kind="de_tax_id", digits=11, check=_de_tax_id, groups=(2, 3, 3, 3), formed=0.45, alone=0.4),
    Identity(kind="fr_nir", digits=15, check=_fr_nir, groups=(1, 2, 2, 2, 3, 3, 2), formed=0.95, alone=0.8),
    Identity(kind="nl_bsn", digits=9, check=_nl_bsn, groups=(4, 2, 3)),
    Identity(kind="be_nrn", digits=11, check=_be_nrn, groups=(2, 2, 2, 3, 2), formed=0.9, alone=0.4),
    Identity(kind="pl_pesel", digits=11, check=_pl_pesel, alone=0.4),
    Identity(kind="se_personnummer", digits=10, check=_se_personnummer, groups=(6, 4), formed=0.6),
    Identity(
        kind="se_personnummer", digits=12, check=_se_personnummer, groups=(8, 4), formed=0.85, alone=0.4
    ),
    Identity(kind="dk_cpr", digits=10, check=_dk_cpr, groups=(6, 4), formed=0.5, told=0.85),
    Identity(kind="no_fnr", digits=11, check=_no_fnr, groups=(6, 5), formed=0.8, alone=0.6),
    Identity(kind="ch_ahv", digits=13, check=_ch_ahv, groups=(3, 4, 4, 2), formed=0.95, alone=0.85),
    Identity(kind="br_cpf", digits=11, check=_br_cpf, groups=(3, 3, 3, 2), formed=0.9, alone=0.4),
    Identity(kind="in_aadhaar", digits=12, check=_in_aadhaar, groups=(4, 4, 4), formed=0.6),
    Identity(kind="za_id", digits=13, check=_za_id, groups=(6, 4, 2, 1), formed=0.7, alone=0.4),
    Identity(kind="kr_rrn", digits=13, check=_kr_rrn, groups=(6, 7), formed=0.8),
    Identity(kind="jp_my_number", digits=12, check=_jp_my_number, groups=(4, 4, 4)),
    Identity(kind="pt_nif", digits=9, check=_pt_nif, groups=(3, 3, 3)),
    Identity(kind="tr_kimlik", digits=11, check=_tr_kimlik, alone=0.4),
    Identity(kind="cz_rodne_cislo", digits=10, check=_cz_rodne, groups=(6, 4), formed=0.5),
    Identity(kind="hr_oib", digits=11, check=iso7064_11_10, alone=0.3),
    Identity(kind="ro_cnp", digits=13, check=_ro_cnp, alone=0.6),
    Identity(kind="il_id", digits=9, check=luhn),
    Identity(kind="ee_isikukood", digits=11, check=_ee_isikukood, alone=0.4),
    Identity(kind="gr_amka", digits=11, check=_gr_amka, alone=0.4),
    Identity(kind="bg_egn", digits=10, check=_bg_egn),
    Identity(kind="at_svnr", digits=10, check=_at_svnr, groups=(4, 6), formed=0.4),
)
"""Those of digits only; the reader of numbers tries those of the right length."""

_SPANISH = "TRWAGMYFPDXBNJZSQVHLCKE"
_FINNISH = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_ITALIAN_ODD_VALUES = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21),  # digits
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)
_ITALIAN_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", _ITALIAN_ODD_VALUES, strict=True))
_CURP = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def _uk_nino(c: str) -> bool:
    return c[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


def _es_dni(c: str) -> bool:
    number = {"X": "0", "Y": "1", "Z": "2"}.get(c[0], c[0]) + c[1:-1]
    return _SPANISH[int(number) % 23] == c[-1]


def _codice_fiscale(c: str) -> bool:
    even = sum(int(x) if x.isdigit() else ord(x) - 65 for x in c[1:15:2])
    return chr(65 + (sum(_ITALIAN_ODD[x] for x in c[0:15:2]) + even) % 26) == c[15]


def _fi_hetu(c: str) -> bool:
    number = c[:6] + c[-4:-1]
    return _day(c[:6], order="dmy") and _FINNISH[int(number) % 31] == c[-1]


def _sg_nric(c: str) -> bool:
    total = weighted(c[1:8], (2, 7, 6, 5, 4, 3, 2)) + (4 if c[0] in "TG" else 3 if c[0] == "M" else 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK"}
    return c[0] == "M" or letters[c[0]][total % 11] == c[8]


def _curp(c: str) -> bool:
    total = sum(_CURP.index(x) * (18 - place) for place, x in enumerate(c[:17]))
    return _day(c[4:10]) and (10 - total % 10) % 10 == int(c[17])


def _ie_pps(c: str) -> bool:
    total = weighted(c[:7], range(8, 1, -1)) + (9 * (ord(c[8]) - 64) if len(c) == 9 and c[8] != "W" else 0)
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == c[7]


def _cn_resident(c: str) -> bool:
    if not real_day(int(c[6:10]), int(c[10:12]), int(c[12:14])):
        return False
    rest = weighted(c[:17], (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11
    return "10X98765432"[rest] == c[17]


def _never_wrong(_: str) -> bool:
    return True


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])", re.IGNORECASE | re.ASCII)


LETTERED: tuple[Lettered, ...] = (
    Lettered(
        kind="uk_nino",
        pattern=_form(r"[a-ceghj-prtw-z][a-ceghj-nprtw-z] ?\d\d ?\d\d ?\d\d ?[a-d]"),
        check=_uk_nino,
        alone=0.75,
    ),
    Lettered(kind="es_dni", pattern=_form(r"(?:\d{8}|[xyz][ -]?\d{7})[ -]?[a-z]"), check=_es_dni, alone=0.7),
    Lettered(
        kind="it_codice_fiscale",
        pattern=_form(r"[a-z]{6}[\dlmnp-v]{2}[abcdehlmprst][\dlmnp-v]{2}[a-z][\dlmnp-v]{3}[a-z]"),
        check=_codice_fiscale,
        alone=0.95,
    ),
    Lettered(kind="fi_hetu", pattern=_form(r"\d{6}[-+a-fu-y]\d{3}[0-9a-y]"), check=_fi_hetu, alone=0.9),
    Lettered(
        kind="in_pan", pattern=_form(r"[a-z]{3}[abcfghjlpt][a-z]\d{4}[a-z]"), check=_never_wrong, alone=0.6
    ),
    Lettered(kind="sg_nric", pattern=_form(r"[stfgm]\d{7}[a-z]"), check=_sg_nric, alone=0.7),
    Lettered(kind="mx_curp", pattern=_form(r"[a-z]{4}\d{6}[hmx][a-z]{5}[0-9a-z]\d"), check=_curp, alone=0.95),
    Lettered(kind="ie_pps", pattern=_form(r"\d{7}[a-w][a-iw]?"), check=_ie_pps, alone=0.6),
    Lettered(kind="cn_resident_id", pattern=_form(r"[1-9]\d{16}[\dx]"), check=_cn_resident, alone=0.95),
)
"""Those with letters."""
