"""Tables of invented names: companies, people, places. Any likeness to a real one is chance.

Telephone numbers come from the ranges that the American and German regulators keep free for fiction, mail and
web addresses from the domain ``.example``, which nobody can own (RFC 2606).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Book:
    """Everything needed to invent customers of one country."""

    country: str
    country3: str
    language: str
    stems: tuple[str, ...]
    surnames: tuple[str, ...]
    first_names: tuple[str, ...]
    trades: tuple[str, ...]
    forms: tuple[str, ...]
    cities: tuple[
        tuple[str, str, str, str], ...
    ]  # name, state, first digits of the postcode, telephone prefix
    streets: tuple[str, ...]
    mailboxes: tuple[str, ...]
    free_mail: tuple[str, ...]
    job_titles: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


def _rows(text: str) -> tuple[tuple[str, str, str, str], ...]:
    rows = (line.split("|") for line in _lines(text))
    return tuple((city, state, postcode, phone) for city, state, postcode, phone in rows)


UNITED_STATES = Book(
    country="US",
    country3="USA",
    language="en-US",
    stems=_words(
        """Harborview Millbrook Stonegate Ironwood Redcliff Lakeshore Northgate Silverton Clearwater Ridgeline
        Foxhollow Brightwater Eastfork Westbrook Granite Cedarville Pinecrest Oakmont Summitview Bluestem
        Riverbend Copperfield Eaglepoint Maplewood Thornhill Whitestone Greenfield Highland Kingsford Longmeadow
        Prairie Keystone Lighthouse Meridian Pioneer Cascade Timberline Sandstone Shoreline Wolfcreek
        Blackrock Coldspring Deepwater Elkhorn Fairmont Goldenrod Hickory Juniper Kestrel Larkspur
        Marlowe Newbridge Osprey Palisade Quarry Rockport Sagebrush Tidewater Upland Valleyview
        Wheatland Yellowpine Ashford Birchwood Canyon Driftwood Evergreen Flatrock Glenwood Heron"""
    ),
    surnames=_words(
        """Abbott Baker Bennett Brandt Callahan Carver Chandler Coleman Dawson Delgado Donnelly Ellison Farrow
        Fletcher Foster Gallagher Garner Gibbs Granger Hale Hammond Harlan Hendricks Holloway Hutchins Ingram
        Jarvis Keller Kendrick Lambert Langley Lawson Lindquist Lowell Maddox Marsh Mercer Nash Norris Novak
        Oakes O'Brien Olson Padilla Parrish Pruitt Quimby Ramsey Reyes Rhodes Sawyer Schaefer Shelton Sherman
        Stokes Sutter Tanner Thayer Tolbert Underhill Vance Vaughn Wagner Walsh Weaver Whitaker Wilcox Yates"""
    ),
    first_names=_words(
        """Alan Amy Andrea Ben Brian Carla Carmen Charles Dana David Diane Edward Elena Erin Frank Gina Grace
        Harold Helen Ivan Jack Janet Joel Joyce Karen Keith Laura Leo Linda Luis Marcus Maria Megan Nadia Neil
        Nora Oscar Paula Peter Rachel Ray Rosa Ruth Sam Sara Scott Sofia Stan Tara Theo Tina Victor Wanda Wes"""
    ),
    trades=_lines(
        """Milling
        Packaging
        Food Processing
        Dairy Products
        Water Treatment
        Machine Works
        Fabrication
        Foundry
        Plastics
        Coatings
        Paper Mills
        Brewing
        Bottling
        Marine Services
        Mechanical Contractors
        Refrigeration
        Conveyor Systems
        Steel Products
        Aggregates
        Chemicals
        Automation
        Tool & Die
        Hydraulic Repair
        Grain Handling
        Pharma Packaging
        Mining Equipment
        Irrigation
        Pump Service
        Woodworks
        Print Group"""
    ),
    forms=("Inc.", "LLC", "Corp.", "Co.", "Ltd", "Inc.", "LLC", "", "LP"),
    cities=_rows(
        """Chicago|IL|606|312
        Houston|TX|770|713
        Cleveland|OH|441|216
        Milwaukee|WI|532|414
        Pittsburgh|PA|152|412
        Denver|CO|802|303
        Portland|OR|972|503
        Seattle|WA|981|206
        Atlanta|GA|303|404
        Tampa|FL|336|813
        Boston|MA|021|617
        Newark|NJ|071|973
        Buffalo|NY|142|716
        Detroit|MI|482|313
        Minneapolis|MN|554|612
        St. Louis|MO|631|314
        Kansas City|MO|641|816
        Tulsa|OK|741|918
        Wichita|KS|672|316
        Omaha|NE|681|402
        Charlotte|NC|282|704
        Knoxville|TN|379|865
        Birmingham|AL|352|205
        Lafayette|LA|705|337
        Phoenix|AZ|850|602
        Reno|NV|895|775
        Fresno|CA|937|559
        Salt Lake City|UT|841|801
        Boise|ID|837|208
        Des Moines|IA|503|515
        Louisville|KY|402|502
        Indianapolis|IN|462|317
        Richmond|VA|232|804
        Albuquerque|NM|871|505"""
    ),
    streets=_lines(
        """Industrial Parkway
        Foundry Street
        Commerce Drive
        Mill Road
        Harbor Avenue
        Railroad Street
        Enterprise Boulevard
        Quarry Lane
        Depot Street
        Canal Street
        Airport Road
        Factory Street
        Old Plank Road
        Technology Court
        West 4th Street
        County Road 12
        Dock Street
        Grain Elevator Road"""
    ),
    mailboxes=("info", "purchasing", "office", "ap", "orders", "maintenance", "contact"),
    free_mail=("gmail.com", "outlook.com", "yahoo.com"),
    job_titles=(
        "Purchasing Manager",
        "Maintenance Supervisor",
        "Plant Engineer",
        "Buyer",
        "Operations Manager",
        "Owner",
        "Project Engineer",
        "Accounts Payable",
        "",
    ),
)

GERMANY = Book(
    country="DE",
    country3="DEU",
    language="de",
    stems=_words(
        """Nordlicht Rheintal Alster Elbtal Spreewald Taunus Schwarzwald Allgäu Isar Neckar Moselblick Harz
        Sauerland Westerwald Eifel Bodensee Donau Weser Ostsee Lausitz Vogtland Hunsrück Odenwald Spessart
        Münsterland Emsland Wendland Uckermark Altmühl Tauber Hohenlohe Breisgau Kraichgau Ries Fichtel
        Steinberg Grünwald Silberbach Eichengrund Buchenhain Tannhof Lindenau Erlenbach Ahornhöhe Birkenfeld
        Falkenstein Adlerhorst Löwental Bärenfels Hirschau Rabenstein Sperling Kranich Reiher Möwe"""
    ),
    surnames=_words(
        """Albrecht Arnold Bachmann Becker Böhm Brandl Brückner Busch Dietrich Döring Ebert Engel Fink Förster
        Frank Fuchs Geiger Göbel Graf Günther Haas Hagen Hartmann Heinrich Hofmann Huber Jäger Jansen Kaiser
        Keller Kern König Köhler Kraus Krüger Kühn Lang Lehmann Lorenz Ludwig Maier Martin Möller Müller Nowak
        Otto Peters Pfeiffer Pohl Reuter Richter Ritter Roth Sauer Schäfer Schröder Schulz Schütz Seidel Simon
        Sommer Stark Stein Thiel Vogel Voß Wagner Walter Weiß Winkler Wendt Zeller Ziegler Zimmermann"""
    ),
    first_names=_words(
        """Andreas Anja Anke Bernd Birgit Björn Carsten Claudia Daniela Dieter Eva Florian Frank Gabriele Gerd
        Günter Hanna Heike Heinz Inga Ingo Jan Jörg Jürgen Karin Katrin Klaus Lena Lukas Manfred Maren Markus
        Martina Michael Nadine Nils Olaf Petra Rainer Ralf Sabine Sandra Silke Stefan Susanne Sven Tanja Thomas
        Ulrike Uwe Volker Walter Wiebke Wolfgang Yvonne"""
    ),
    trades=_lines(
        """Maschinenbau
        Anlagenbau
        Pumpentechnik
        Fördertechnik
        Verpackungen
        Lebensmittel
        Molkerei
        Brauerei
        Wassertechnik
        Stahlbau
        Gießerei
        Kunststofftechnik
        Oberflächentechnik
        Papierfabrik
        Hydraulik
        Antriebstechnik
        Kältetechnik
        Schiffstechnik
        Agrartechnik
        Werkzeugbau
        Zerspanung
        Holzwerke
        Chemie
        Pharma
        Recycling
        Getränke
        Automation
        Mühlenwerke
        Druckerei
        Baustoffe"""
    ),
    forms=("GmbH", "GmbH", "GmbH & Co. KG", "AG", "KG", "e.K.", "GmbH", "OHG", ""),
    cities=_rows(
        """Berlin|BE|101|30 23125
        Hamburg|HH|200|40 66969
        München|BY|803|89 99998
        Köln|NW|506|221 4710
        Frankfurt am Main|HE|603|69 90009
        Düsseldorf|NW|402|221 4710
        Dortmund|NW|441|221 4710
        Bielefeld|NW|336|221 4710
        Münster|NW|481|221 4710
        Nürnberg|BY|904|89 99998
        Augsburg|BY|861|89 99998
        Würzburg|BY|970|89 99998
        Regensburg|BY|930|89 99998
        Stuttgart|BW|701|89 99998
        Karlsruhe|BW|761|69 90009
        Tübingen|BW|720|89 99998
        Kassel|HE|341|69 90009
        Gießen|HE|353|69 90009
        Mainz|RP|551|69 90009
        Hannover|NI|301|40 66969
        Göttingen|NI|370|40 66969
        Osnabrück|NI|490|40 66969
        Bremen|HB|281|40 66969
        Kiel|SH|241|40 66969
        Lübeck|SH|235|40 66969
        Rostock|MV|180|30 23125
        Leipzig|SN|041|30 23125
        Dresden|SN|010|30 23125
        Magdeburg|ST|391|30 23125
        Erfurt|TH|990|30 23125"""
    ),
    streets=_lines(
        """Industriestraße
        Gewerbering
        Werkstraße
        Bahnhofstraße
        Am Hafen
        Hüttenweg
        Mühlenstraße
        Fabrikstraße
        Schmiedegasse
        Ringstraße
        Zum Bruch
        Lindenallee
        Ziegeleiweg
        Kanalstraße
        Röntgenstraße
        Güterbahnhof"""
    ),
    mailboxes=("info", "einkauf", "zentrale", "buchhaltung", "werkstatt", "kontakt"),
    free_mail=("gmx.de", "web.de", "t-online.de", "gmail.com"),
    job_titles=(
        "Einkaufsleiter",
        "Leiterin Instandhaltung",
        "Betriebsleiter",
        "Einkauf",
        "Geschäftsführerin",
        "Konstrukteur",
        "Buchhaltung",
        "",
    ),
)

# (e-mail, first name, last name) of the people who sell.
OWNERS = (
    ("dana.whitfield@northfield.example", "Dana", "Whitfield"),
    ("marco.ruiz@northfield.example", "Marco", "Ruiz"),
    ("priya.nair@northfield.example", "Priya", "Nair"),
    ("tom.ashby@northfield.example", "Tom", "Ashby"),
    ("katja.lindner@northfield.example", "Katja", "Lindner"),
    ("jonas.behrens@northfield.example", "Jonas", "Behrens"),
)
# Team and the e-mails of its people; who is in several has the first as primary team.
TEAMS = (
    ("Industry", tuple(email for email, _, _ in OWNERS[:3])),
    ("Key accounts", tuple(email for email, _, _ in OWNERS[2:4])),
    ("Central Europe", tuple(email for email, _, _ in OWNERS[4:])),
)
