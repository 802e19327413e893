"""What people do to names and addresses: leave out, shorten, mistype, write as their keyboard allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml_connector.twin.world.chance import picker

if TYPE_CHECKING:
    import random

_ABBREVIATED = {
    "Manufacturing": "Mfg", "Machine Works": "Mach. Works", "Industries": "Ind.", "Services": "Svcs",
    "Maschinenbau": "Maschb.", "Verpackungen": "Verp.", "Lebensmittel": "Lebensm.", "Engineering": "Engrg",
    "Conveyor Systems": "Conveyor Sys.", "Packaging": "Pkg", "Refrigeration": "Refrig.",
    "Mechanical Contractors": "Mech. Contr.", "Mining Equipment": "Mining Equip.", "Steel Products": "Steel Prod.",
    "Kunststofftechnik": "Kunststofft.", "Fördertechnik": "Fördertechn.", "Pumpentechnik": "Pumpentechn.",
    "Machinefabriek": "Machinefabr.", "Maskinfabrik": "Maskinf.", "Costruzioni": "Costr.", "Brothers": "Bros.",
    "Gebrüder": "Gebr.", "International": "Intl", "Group": "Grp", "Construction": "Constr.", "Industrie": "Ind.",
}  # fmt: skip
_SPELLED = {
    "GmbH & Co. KG": ("GmbH & Co KG", "GmbH u. Co. KG", "GmbH&Co.KG", "GmbH und Co. KG"),
    "GmbH": ("Gmbh", "GMBH", "G.m.b.H.", "Ges. m.b.H."), "AG": ("A.G.", "Aktiengesellschaft"),
    "Inc.": ("Inc", ", Inc.", "Incorporated"), "LLC": ("L.L.C.", ", LLC", "llc"), "Corp.": ("Corp", "Corporation"),
    "Ltd": ("Ltd.", "Limited", "LTD"), "S.p.A.": ("SPA", "Spa", "S.P.A"), "S.r.l.": ("SRL", "Srl", "S.R.L."),
    "Sp. z o.o.": ("Sp. z o. o.", "sp.z o.o.", "SP ZOO", "Spółka z o.o."), "A/S": ("AS", "a/s"), "ApS": ("APS", "Aps"),
    "B.V.": ("BV", "b.v.", "B V"), "N.V.": ("NV",), "Oy": ("OY", "oy"), "AB": ("Ab",), "SARL": ("S.A.R.L.", "Sarl"),
    "SAS": ("S.A.S.", "Sas"), "SA": ("S.A.",), "Pty Ltd": ("Pty. Ltd.", "PTY LTD", "Pty Limited"), "PLC": ("plc",),
}  # fmt: skip
_KIN = {  # what a person takes a form for who does not look closely
    "GmbH": "GmbH & Co. KG", "GmbH & Co. KG": "GmbH", "Inc.": "Corp.", "Corp.": "Inc.", "LLC": "Inc.", "AG": "GmbH",
    "S.p.A.": "S.r.l.", "S.r.l.": "S.p.A.", "A/S": "ApS", "ApS": "A/S", "B.V.": "N.V.", "SARL": "SAS", "SAS": "SARL",
    "Ltd": "PLC", "KG": "GmbH & Co. KG", "Oy": "Oyj",
}  # fmt: skip
_TYPED_OUT = {
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae",
    "Ø": "Oe", "Å": "Aa",
}  # fmt: skip  # codespell:ignore ue
_LEFT_OFF = str.maketrans("äöüÄÖÜéèêáàíóúøåłńśźżąęćŁŚØÅ", "aouAOUeeeaaiouoalnszzaecLSOA") | {
    ord("ß"): "ss",
    ord("æ"): "ae",
}
_KEYS = "qwertyuiopasdfghjklzxcvbnm"
_EXTRAS = (" (alt)", " - NEU", " *", " (inactive)", " - Main", " / Einkauf", " - DO NOT USE", " (HQ)")
_OTHER_TOWNS = {
    "München": "Munich", "Köln": "Cologne", "Nürnberg": "Nuremberg", "Milano": "Milan", "Torino": "Turin",
    "Warszawa": "Warsaw", "København": "Copenhagen", "Göteborg": "Gothenburg", "Frankfurt am Main": "Frankfurt",
    "St. Louis": "Saint Louis", "Hannover": "Hanover", "Firenze": "Florence", "Kraków": "Cracow",
}  # fmt: skip


class Hand:
    """Somebody who enters records; ``strength`` 1 is an ordinary careless one."""

    def __init__(self, rng: random.Random, strength: float) -> None:
        self.draw = rng.random
        self.pick = picker(rng)
        self.strength = strength

    def slips(self, share: float) -> bool:
        """Whether it happens this time; ``share`` is how often it does to an ordinary hand."""
        return self.draw() < share * self.strength

    def name(self, base: str, form: str, town: str) -> str:
        """A company's name as somebody enters it."""
        words, written = base, form
        if self.slips(0.30):
            written = ""
        elif self.slips(0.20):
            written = self.pick(_SPELLED.get(form, (form,)))
        elif self.slips(0.02):
            written = _KIN.get(form, form)
        if self.slips(0.10):
            words = self._abbreviated(words)
        if self.slips(0.25):
            words = words.replace(" & ", self.pick((" und ", " and ", "&", " + ", " u. ")))
        if self.slips(0.04) and len(words.split()) > 2:  # noqa: PLR2004 - something must stay
            words = words.rsplit(" ", 1)[0]
        if self.slips(0.07):
            words = self.mistyped(words)
        full = f"{words}{written}" if written.startswith(",") else f"{words} {written}".strip()
        if self.slips(0.04):
            full = f"{full} {town}" if self.draw() < 0.5 else f"{full}, {town}"  # noqa: PLR2004 - either way
        if self.slips(0.02):
            full += self.pick(_EXTRAS)
        return self._as_typed(full)

    def _as_typed(self, text: str) -> str:
        """Capitals, accents and blanks."""
        if self.slips(0.15):
            text = "".join(_TYPED_OUT.get(sign, sign) for sign in text)
        elif self.slips(0.12):
            text = text.translate(_LEFT_OFF)
        if self.slips(0.10):
            text = text.upper()
        elif self.slips(0.02):
            text = text.lower()
        return text.replace(" ", "  ", 1) if self.slips(0.01) else text

    def _abbreviated(self, text: str) -> str:
        for word, short in _ABBREVIATED.items():
            if word in text:
                return text.replace(word, short)
        words = text.split()
        if len(words) > 1 and len(words[-1]) > 6:  # noqa: PLR2004 - a short word is not cut
            words[-1] = f"{words[-1][: 4 + int(self.draw() * 3)]}."
        return " ".join(words)

    def mistyped(self, text: str) -> str:
        """One slip of the fingers: left out, doubled, swapped or another key; one in eight makes a second."""
        if len(text) < 4:  # noqa: PLR2004 - nothing would be left
            return text
        place, draw = 1 + int(self.draw() * (len(text) - 2)), self.draw()
        if draw < 0.3:  # noqa: PLR2004 - shares of the four kinds
            changed = text[:place] + text[place + 1 :]
        elif draw < 0.5:  # noqa: PLR2004
            changed = text[:place] + text[place] + text[place:]
        elif draw < 0.75:  # noqa: PLR2004
            changed = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        else:
            changed = text[:place] + self.pick(_KEYS) + text[place + 1 :]
        return self.mistyped(changed) if self.draw() < 0.125 else changed  # noqa: PLR2004 - one in eight

    def town(self, name: str) -> str:
        """A town: in English, without accents, in capitals."""
        if self.slips(0.25):
            name = _OTHER_TOWNS.get(name, name)
        return self._as_typed(name)

    def postcode(self, code: str) -> str:
        """A postal code, now and then with a wrong digit or its blank elsewhere."""
        if self.slips(0.01):
            code = self.mistyped(code)
        if self.slips(0.2):
            code = code.replace("-", "").replace(" ", "")
        return code

    def phone(self, number: str, dialling: str) -> str:
        """A number as people write it."""
        home = number.removeprefix(dialling)
        return self.pick((
            number, f"{dialling} {home[:3]} {home[3:]}", f"{dialling} ({home[:3]}) {home[3:6]}-{home[6:]}",
            f"00{dialling[1:]} {home[:2]} {home[2:]}", f"{dialling}-{home[:3]}-{home[3:]}",
        ))  # fmt: skip
