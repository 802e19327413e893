"""Tables for inventing firms of eleven countries. Names are invented; legal forms, towns and postal codes are facts."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.twin.world.names import GERMANY, UNITED_STATES


@dataclass(frozen=True, slots=True)
class Country:
    """Everything needed to invent firms of one country.

    Args:
        code: ISO 3166, two letters.
        code3: The same, three letters.
        spellings: How people write it.
        weight: Its share among all.
        forms: Legal forms, the usual ones several times.
        towns: Town, beginning of its postal codes, digits that follow.
        dialling: Country code and the length of a number after it.
        top_level: Where its domains end.
    """

    code: str
    code3: str
    spellings: tuple[str, ...]
    weight: int
    forms: tuple[str, ...]
    towns: tuple[tuple[str, str, int], ...]
    surnames: tuple[str, ...]
    trades: tuple[str, ...]
    streets: tuple[str, ...]
    dialling: tuple[str, int]
    top_level: str


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split("|"))


def _towns(text: str, digits: int) -> tuple[tuple[str, str, int], ...]:
    return tuple(
        (name.strip(), start.strip(), digits)
        for name, _, start in (row.rpartition(" ") for row in text.split("|"))
    )


COUNTRIES = (
    Country(
        "US", "USA", ("United States", "USA", "US", "United States of America"), 30,
        (*UNITED_STATES.forms, "Inc", "L.L.C.", "Incorporated", "Corporation"),
        tuple((city, start, 2) for city, _, start, _ in UNITED_STATES.cities),
        UNITED_STATES.surnames, UNITED_STATES.trades, UNITED_STATES.streets, ("+1", 10), "com",
    ),
    Country(
        "DE", "DEU", ("Germany", "Deutschland", "DE", "Germany"), 28,
        (*GERMANY.forms, "GmbH & Co. KG", "UG (haftungsbeschränkt)"),
        tuple((city, start, 2) for city, _, start, _ in GERMANY.cities),
        GERMANY.surnames, GERMANY.trades, GERMANY.streets, ("+49", 10), "de",
    ),
    Country(
        "IT", "ITA", ("Italy", "Italia", "IT"), 7, ("S.p.A.", "S.r.l.", "S.r.l.", "SRL", "S.n.c.", "S.a.s."),
        _towns(
            "Milano 201|Torino 101|Bologna 401|Verona 371|Brescia 251|Padova 351|Modena 411|Bergamo 241|Parma "
            "431|Firenze 501",
            2,
        ),
        _words(
            "Rossi Bianchi Ferrari Colombo Ricci Marino Greco Bruno Gallo Conti Costa Mancini Rizzo Lombardi "
            "Moretti Barbieri Fontana Santoro Caruso Ferrara"
        ),
        _listed(
            "Meccanica|Impianti|Alimentari|Imballaggi|Costruzioni|Plastica|Ceramiche|Pompe|Elettronica|Fonderia|Trasporti|Automazione"
        ),
        _listed(
            "Via Roma|Via dell'Industria|Viale Europa|Via Galileo Galilei|Via Emilia|Via Leonardo da Vinci"
        ),
        ("+39", 9), "it",
    ),
    Country(
        "PL", "POL", ("Poland", "Polska", "PL"), 5,
        ("Sp. z o.o.", "Sp. z o.o.", "S.A.", "Sp. z o.o. Sp. k.", "Sp. j."),
        _towns(
            "Warszawa 02-|Kraków 30-|Łódź 90-|Wrocław 50-|Poznań 60-|Gdańsk 80-|Szczecin 70-|Katowice 40-|Lublin "
            "20-",
            3,
        ),
        _words(
            "Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski "
            "Kozłowski Jankowski Mazur Krawczyk Piotrowski Grabowski"
        ),
        _listed(
            "Metal|Produkcja|Opakowania|Budownictwo|Maszyny|Hydraulika|Chemia|Meble|Transport|Technika|Stal"
        ),
        _listed("ul. Przemysłowa|ul. Fabryczna|ul. Polna|ul. Kolejowa|al. Jana Pawła II"), ("+48", 9), "pl",
    ),
    Country(
        "DK", "DNK", ("Denmark", "Danmark", "DK"), 4, ("A/S", "A/S", "ApS", "ApS", "I/S"),
        _towns("København 2|Aarhus 8|Odense 5|Aalborg 9|Esbjerg 6|Vejle 7|Roskilde 4", 3),
        _words(
            "Jensen Nielsen Hansen Pedersen Andersen Christensen Larsen Sørensen Rasmussen Jørgensen Madsen "
            "Kristensen Møller Østergaard Kjær Nørgaard"
        ),
        _listed("Maskinfabrik|Emballage|Fødevarer|Teknik|Industri|Køleteknik|Pumper|Stål|Transport|Plast"),
        _listed("Industrivej|Fabriksvej|Havnegade|Hovedgaden|Møllevej"), ("+45", 8), "dk",
    ),
    Country(
        "NL", "NLD", ("Netherlands", "Nederland", "The Netherlands", "NL"), 6,
        ("B.V.", "B.V.", "BV", "N.V.", "V.O.F."),
        _towns(
            "Amsterdam 10|Rotterdam 30|Utrecht 35|Eindhoven 56|Tilburg 50|Groningen 97|Breda 48|Arnhem 68|Zwolle "
            "80",
            2,
        ),
        _words(
            "Vries Jansen Bakker Visser Smit Meijer Mulder Bos Vos Peters Hendriks Dekker Dijkstra Koster Willems"
            " Kuipers Postma Veenstra"
        ),
        _listed(
            "Machinefabriek|Verpakkingen|Techniek|Metaal|Installaties|Voedingsmiddelen|Transport|Pompen|Kunststoffen|Bouw"
        ),
        _listed("Industrieweg|Havenstraat|Ambachtsweg|Energieweg|Handelsweg"), ("+31", 9), "nl",
    ),
    Country(
        "FI", "FIN", ("Finland", "Suomi", "FI"), 3, ("Oy", "Oy", "Oy Ab", "Oyj", "Ky"),
        _towns("Helsinki 00|Espoo 02|Tampere 33|Turku 20|Oulu 90|Lahti 15|Vaasa 65", 3),
        _words(
            "Korhonen Virtanen Mäkinen Nieminen Mäkelä Hämäläinen Laine Heikkinen Koskinen Järvinen Lehtonen "
            "Lehtinen Saarinen Salminen"
        ),
        _listed("Konepaja|Teräs|Tekniikka|Pakkaus|Elintarvike|Paperi|Automaatio|Rakennus|Kuljetus"),
        _listed("Teollisuuskatu|Tehtaankatu|Satamatie|Konetie"), ("+358", 9), "fi",
    ),
    Country(
        "SE", "SWE", ("Sweden", "Sverige", "SE"), 4, ("AB", "AB", "AB", "HB", ""),
        _towns(
            "Stockholm 11|Göteborg 41|Malmö 21|Uppsala 75|Västerås 72|Örebro 70|Linköping 58|Helsingborg 25",
            3,
        ),
        _words(
            "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Lindberg "
            "Lindström Bergström Sjöberg Åkesson"
        ),
        _listed("Mekaniska|Industri|Förpackning|Livsmedel|Teknik|Stål|Plåt|Hydraulik|Transport|Bygg"),
        _listed("Industrigatan|Verkstadsgatan|Hamngatan|Fabriksgatan"), ("+46", 9), "se",
    ),
    Country(
        "FR", "FRA", ("France", "FR", "FRANCE"), 6, ("SARL", "SAS", "S.A.S.", "SA", "S.A.", "EURL"),
        _towns(
            "Paris 750|Lyon 690|Marseille 130|Toulouse 310|Nantes 440|Strasbourg 670|Lille 590|Rennes "
            "350|Grenoble 380|Dijon 210",
            2,
        ),
        _words(
            "Martin Bernard Dubois Durand Leroy Moreau Simon Laurent Lefèvre Michel Garcia Roux Fournier Girard "
            "Bonnet Mercier Chevalier Gauthier Rivière"
        ),
        _listed(
            "Mécanique|Industrie|Emballages|Alimentaire|Plastiques|Chaudronnerie|Pompes|Transports|Électronique|Bâtiment"
        ),
        _listed(
            "rue de l'Industrie|avenue de la Gare|route Nationale|rue Pasteur|zone artisanale du Pré"
        ),
        ("+33", 9), "fr",
    ),
    Country(
        "GB", "GBR", ("United Kingdom", "UK", "GB", "England", "Great Britain"), 5,
        ("Ltd", "Limited", "Ltd.", "PLC", "LLP"),
        _towns(
            "London SE|Birmingham B|Manchester M|Leeds LS|Sheffield S|Bristol BS|Newcastle NE|Leicester "
            "LE|Cardiff CF",
            2,
        ),
        _words(
            "Ashton Barlow Bradley Clarke Cooper Davies Edwards Fisher Grant Hughes Jennings Knight Lister Morgan"
            " Naylor Owens Pearson Rowland Stafford Turner"
        ),
        _listed(
            "Engineering|Fabrications|Packaging|Foods|Pumps|Plastics|Steel Stockholders|Valves|Precision|Haulage"
        ),
        _listed("Station Road|Mill Lane|Works Road|Canal Street|Trading Estate Way"), ("+44", 10), "co.uk",
    ),
    Country(
        "AU", "AUS", ("Australia", "AU", "AUSTRALIA"), 2, ("Pty Ltd", "Pty Ltd", "Pty. Ltd.", "Ltd"),
        _towns("Sydney 20|Melbourne 30|Brisbane 40|Perth 60|Adelaide 50|Newcastle 22", 2),
        _words(
            "Armstrong Barker Campbell Dalton Fraser Gibson Harper Irwin Kelly Lockwood Maher Nolan Paterson Ryan"
            " Saunders"
        ),
        _listed("Mining Services|Engineering|Packaging|Irrigation|Hydraulics|Foods|Steel|Pumps"),
        _listed("Industrial Drive|Station Street|Harbour Road|Factory Lane"), ("+61", 9), "com.au",
    ),
)  # fmt: skip
# Parts of invented brands and family names; two or three make one.
FIRST_PARTS = _words(
    """Al Ald Ambr And Arn Ask Aur Bal Bar Bel Berg Bir Bla Bran Bren Bro Cal Cam Can Car Cel Cor Cre Dal Dan Del
    Dor Dra Ed El Em Er Est Fal Fen Fer Fin Flor For Fri Gal Gar Gil Gra Gren Gul Had Hal Han Har Hel Hol Hor Il
    In Iv Jal Jor Kal Kam Kar Kel Kir Kol Kra Lam Lan Lar Len Lin Lor Lu Mal Man Mar Mel Mer Mil Mor Nar Nel Nor
    Nov Ol Or Os Pal Par Pel Per Pol Pra Qua Ral Ran Ras Rel Ren Rin Ros Sal San Sar Sel Ser Sil Sol Sta Ste Sul
    Tal Tan Tar Tel Ter Tor Tra Ul Um Val Van Var Vel Ver Vin Vol Wal War Wel Wen Wil Wol Yar Zan Zel Zor"""
)
MIDDLE_PARTS = _words(
    "a e i o u an ar el en er in is on or ul am em om at et it ot as es os ad ed id ov iv av"
)
LAST_PARTS = _words(
    """bach berg born by cor da dor field ford gard haus heim hof holm kamp ker land ler li lin lund man mann mar
    mer mont nell ner nik qvist ra ric ridge rik rin ron ros sen ser sky son stad stein sted ston strom tek tec ter
    ton tor tron va van vik vald ville ward well wick win wood worth zen"""
)
