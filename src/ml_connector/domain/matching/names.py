"""Names of companies made comparable: accents, spellings and abbreviations folded, the legal form taken off.

Two names are the same when their words without the legal form are; the form itself is kept beside them, because a
GmbH and the AG of the same name are two companies.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from rapidfuzz import fuzz

# Every form as folded words, alike ones in one line; the first of a line stands for all of it.
_FORMS = """
    gmbh | ges mbh | gesmbh | mbh | gesellschaft mit beschrankter haftung | gesellschaft mbh | ggmbh
    gmbh co kg | gmbh cokg | gmbh compagnie kg | mbh co kg | gmbh co kgaa | gmbhcokg
    ag co kg
    ag | aktiengesellschaft
    kg | kommanditgesellschaft
    kgaa
    ohg | offene handelsgesellschaft
    ug | ug haftungsbeschrankt | ug haftungsbeschrankt co kg | unternehmergesellschaft
    ek | ekfm | ekfr | eingetragener kaufmann | inh | inhaber
    eg | genossenschaft
    ev
    gbr
    se
    inc | incorporated
    corp | corporation
    co | company
    llc | l l c | limited liability company
    llp
    lp | limited partnership
    pllc
    pc
    ltd | limited | ltd co | co ltd | co limited | company limited | company ltd
    plc | public limited company
    pty ltd | pty limited | pty | proprietary limited
    pvt ltd | private limited | pvt limited
    spa | s p a | societa per azioni
    srl | s r l | societa a responsabilita limitata
    srls
    snc | s n c
    sas | s a s | societe par actions simplifiee
    sasu
    sarl | s a r l | societe a responsabilite limitee
    eurl
    sa | s a | societe anonyme | sociedad anonima
    sl | s l | sociedad limitada | slu
    lda | limitada
    ltda
    sa de cv | s a de c v
    sapi de cv
    s de rl de cv
    bv | b v | besloten vennootschap
    nv | n v | naamloze vennootschap
    vof | v o f
    cv
    bvba
    bv srl
    as | a s | aktieselskab | aksjeselskap
    asa
    aps | anpartsselskab
    ks
    ab | aktiebolag
    hb
    kb
    oy | osakeyhtio
    oyj
    ky
    sp zoo | sp z oo | sp z o o | spolka z oo | spolka z ograniczona odpowiedzialnoscia
    sp j
    sp k | sp zoo sp k | sp z oo sp k
    sro | s r o | spol s ro
    kft
    zrt
    nyrt
    doo | d o o
    dd
    sia
    uab
    ou | osauhing
    ooo
    jsc
    ehf
    hf
    kk | kabushiki kaisha
    pte ltd | pte limited
    sdn bhd
    pt
"""
_BEFORE = frozenset({"ooo", "pt", "sia", "uab", "firma", "fa", "the", "ets", "etablissements", "sarl", "sa"})
# Words that mean the same however they are written; those mapped to nothing say nothing.
_SPELLINGS = {
    "and": "", "und": "", "et": "", "y": "", "og": "", "och": "", "en": "", "oraz": "", "ja": "",
    "the": "", "firma": "", "fa": "", "ets": "", "etablissements": "", "messrs": "",
    "intl": "international", "int": "international", "internatl": "international", "mfg": "manufacturing",
    "manuf": "manufacturing", "manufg": "manufacturing", "bros": "brothers", "gebr": "gebruder",
    "ind": "industries", "inds": "industries", "indus": "industries", "industry": "industries",
    "industrie": "industries", "industrial": "industries", "svc": "services", "svcs": "services",
    "serv": "services", "service": "services", "grp": "group", "gruppe": "group", "groupe": "group",
    "gruppo": "group", "hldg": "holding", "hldgs": "holding", "holdings": "holding", "dist": "distribution",
    "distr": "distribution", "distributors": "distribution", "assoc": "associates", "assocs": "associates",
    "eng": "engineering", "engr": "engineering", "engrg": "engineering", "sys": "systems", "syst": "systems",
    "system": "systems", "systeme": "systems", "tech": "technology", "techn": "technology",
    "technologies": "technology", "technologie": "technology", "equip": "equipment", "eqpt": "equipment",
    "prod": "products", "prods": "products", "product": "products", "produkte": "products",
    "supp": "supply", "supplies": "supply", "constr": "construction", "const": "construction",
    "transp": "transport", "mgmt": "management", "natl": "national", "nat": "national", "gen": "general",
    "st": "saint", "sankt": "saint", "sainte": "saint", "mt": "mount", "ctr": "center", "centre": "center",
    "zentrum": "center", "dt": "deutsche", "dtsch": "deutsche", "masch": "maschinen", "maschf": "maschinenfabrik",
    "vertr": "vertrieb", "vertriebs": "vertrieb", "verw": "verwaltung", "verwaltungs": "verwaltung",
    "handels": "handel", "ges": "gesellschaft", "lab": "laboratories", "labs": "laboratories",
    "chem": "chemicals", "chemical": "chemicals", "auto": "automotive", "elec": "electric",
    "elek": "elektro", "elektr": "elektro", "hydr": "hydraulik", "refrig": "refrigeration",
    "pkg": "packaging", "pkgng": "packaging", "mach": "machine", "works": "works", "wks": "works",
    "cie": "compagnie",
}  # fmt: skip
_BRANCH = frozenset({
    "niederlassung", "nl", "zweigniederlassung", "filiale", "branch", "office", "plant", "werk", "standort",
    "succursale", "agence", "filial",
})  # fmt: skip
_LETTERS = str.maketrans({
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i",
})  # fmt: skip
_UMLAUTS = re.compile("(?<=[aou])e")  # Mueller, Müller and Muller; Bäker and Baker
_INITIALS = re.compile(
    r"(?<![^\W\d_]{2})[./](?=[^\W\d_](?:[./\s,)]|$))"
)  # the points within S.p.A., A/S, e.K.
_APOSTROPHES = re.compile("['’`´ʼ]")  # noqa: RUF001 - the signs people use for one
_WORDS = re.compile(r"[^\W_]+")
_MOST_FORM_WORDS = 5


class Name(NamedTuple):
    """A company's name, ready to be compared.

    Args:
        words: Folded, without legal form.
        packed: The same without blanks: what decides whether two names are the same.
        form: The legal form, ``""`` where the name has none.
        numbers: What digits the name has: branch 1 and branch 2 are not alike.
    """

    words: str
    packed: str
    form: str
    numbers: str


def folded(text: str) -> str:
    """Letters without accents, in lower case."""
    plain = text.casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain.translate(_LETTERS))
        plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return plain


def place(text: str) -> str:
    """The name of a town, comparable."""
    return _UMLAUTS.sub("", "".join(_WORDS.findall(folded(text))))


def postcode(text: str) -> str:
    """A postal code without blanks and hyphens; of a ZIP+4 the first five digits, without a country before it."""
    code = "".join(_WORDS.findall(folded(text)))
    digits = code.lstrip("abcdefghijklmnopqrstuvwxyz")
    if digits.isdigit():
        code = digits
    return code[:5] if code.isdigit() and len(code) == 9 else code  # noqa: PLR2004 - ZIP+4


def company_name(text: str) -> Name:
    """A company's name, ready to be compared; one that is only a legal form keeps it as its words."""
    joined = _INITIALS.sub("", _APOSTROPHES.sub("", folded(text)).replace("&", " ").replace("+", " "))
    words = _WORDS.findall(joined)
    while len(words) > 1 and words[0] in _BEFORE:
        words = words[1:]
    words, form = _without_form(words)
    kept = [_UMLAUTS.sub("", spelled) for word in words if (spelled := _SPELLINGS.get(word, word))]
    plain = " ".join(kept or words)
    numbers = " ".join(word for word in kept if any(map(str.isdigit, word)))
    return Name(plain, plain.replace(" ", ""), form, numbers)


def without_town(name: Name, town: str) -> Name:
    """The name without the town at its end, and without the word for a branch before it; else the same name."""
    if not town or not name.words.endswith(f" {town}"):
        return name
    words = name.words.removesuffix(f" {town}").split()
    while len(words) > 1 and words[-1] in _BRANCH:
        words.pop()
    plain = " ".join(words)
    return name._replace(words=plain, packed=plain.replace(" ", ""))


def likeness(one: Name, other: Name) -> float:
    """How alike two names are, 0 to 100: letters, then words in any order, then one name within the other."""
    if one.packed == other.packed:
        return 100.0
    letters = fuzz.ratio(one.packed, other.packed)
    words = fuzz.token_sort_ratio(one.words, other.words)
    found = max(letters, words)
    if found < _CLEARLY_ALIKE and _is_within(one.words, other.words):
        found = _WITHIN
    return found - _OTHER_NUMBERS if one.numbers != other.numbers else found


_CLEARLY_ALIKE, _WITHIN, _OTHER_NUMBERS = 88.0, 84.0, 20.0


def _is_within(one: str, other: str) -> bool:
    """Whether all words of the shorter name are words, or beginnings of words, of the longer one, in order."""
    few, many = sorted((one.split(), other.split()), key=len)
    if not few or len("".join(few)) < 4:  # noqa: PLR2004 - three letters are in any name
        return False
    rest = iter(many)
    return all(any(_begins(word, longer) for longer in rest) for word in few)


def _begins(word: str, other: str) -> bool:
    """Whether one is the other, or an abbreviation of it of three letters or more."""
    short, long = sorted((word, other), key=len)
    return long == short or (len(short) >= 3 and long.startswith(short))  # noqa: PLR2004 - two say nothing


def _form_table() -> dict[tuple[str, ...], str]:
    """Every spelling of a form, as words, to its first spelling."""
    table: dict[tuple[str, ...], str] = {}
    for line in _FORMS.strip().splitlines():
        spellings = [tuple(spelling.split()) for spelling in line.split("|")]
        table.update(dict.fromkeys(spellings, " ".join(spellings[0])))
    return table


_FORM_OF = _form_table()
_FORM_WORDS = frozenset(word for form in _FORM_OF for word in form) | {"und", "and"}
_ANYWHERE = sorted((form for form in _FORM_OF if form[0] in {"gmbh", "gesmbh"}), key=len, reverse=True)


def _without_form(words: list[str]) -> tuple[list[str], str]:
    """The words before the legal form, and the form; GmbH is found within a name too (Alder GmbH Berlin)."""
    form = ""
    words = [word for word in words if word not in {"und", "and"}] or words
    while len(words) > 1 and words[-1] in _FORM_WORDS:
        found = _form_at_end(words)
        if not found:
            break
        words, form = words[: -len(found)], f"{_FORM_OF[found]} {form}".strip()
    if not form:
        for known in _ANYWHERE:
            for start in range(1, len(words) - len(known) + 1):
                if tuple(words[start : start + len(known)]) == known:
                    return words[:start] + words[start + len(known) :], _FORM_OF[known]
    return words, _FORM_OF.get(tuple(form.split()), form)


def _form_at_end(words: list[str]) -> tuple[str, ...]:
    for size in range(min(_MOST_FORM_WORDS, len(words) - 1), 0, -1):
        if (ending := tuple(words[-size:])) in _FORM_OF:
            return ending
    return ()
