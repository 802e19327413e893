"""What the demo world's distributor sells: families of products that combine into a catalogue of any size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of product; every series comes in every size, finish and version."""

    code: str
    label: str  # plural, as in the name of a deal
    noun: str
    group: str
    sizes: tuple[str, ...]
    finishes: tuple[tuple[str, str], ...]  # code in the product number, words in the name
    versions: tuple[tuple[str, str], ...]  # the same, the first one plain
    cents: tuple[int, int]  # price of the smallest and of the largest size
    purpose: str
    price_quantity: int = 1
    unit: str = "ea"

    @property
    def variants(self) -> int:
        """How many products the family combines to."""
        return len(self.sizes) * len(SERIES) * len(self.finishes) * len(self.versions)


SERIES = (
    ("A", "Atlas"),
    ("B", "Borea"),
    ("C", "Corvus"),
    ("D", "Delta"),
    ("E", "Ever"),
    ("F", "Forte"),
    ("K", "Kolos"),
    ("M", "Marin"),
    ("N", "Norm"),
    ("P", "Primus"),
    ("S", "Solid"),
    ("T", "Tempo"),
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``CI cast iron, SS stainless steel``; the first word is the code."""
    pairs = (entry.strip().partition(" ") for entry in text.split(","))
    return tuple((code, words) for code, _, words in pairs)


_PLAIN = (("", ""),)
_DN = _words("15 20 25 32 40 50 65 80 100 125 150 200")
_BORE = _words("12 17 20 25 30 35 40 45 50 60 70 80 90 100")
_KW = _words("0.37 0.55 0.75 1.1 1.5 2.2 4.0 5.5 7.5 11 15 22 30 37 45 55")
_M = _words("4 5 6 8 10 12 16 20 24 30")
_WEAR = _words("S M L XL")
_METALS = _pairs("CI cast iron, SS stainless steel, BR bronze, DX duplex steel, AL aluminium, GS cast steel")
_STEELS = _pairs(
    "CS carbon steel, SS stainless steel, ZN zinc plated, HT tempered steel, A4 acid-proof steel"
)
_BEARINGS = _pairs(
    "OP open, ZZ shielded, RS sealed, SS stainless steel, HY hybrid ceramic, EL electrically insulated"
)
_HOUSINGS = _pairs("IP20 IP20, IP54 IP54, IP65 IP65, IP66 IP66, IP67 IP67")
_MOTORS = _pairs("IE2 IE2, IE3 IE3, IE4 IE4, BR IE3 with brake, VR IE3 for converters")
_RUBBERS = _pairs("NB NBR, EP EPDM, FK FKM, PT PTFE, SI silicone, GR graphite")
_BELTS = _pairs("RU rubber, PU polyurethane, NE neoprene, KV aramid cord, AS antistatic rubber")
_CLOTHS = _pairs("LE leather, NI nitrile, AR aramid, CO cotton with latex, PU polyurethane")
_BOXES = _pairs("ST steel box, PO pouch, WA wall station, CA carry case")
_MEDIA = (*_PLAIN, *_pairs("X ATEX, H high temperature, F food grade, L low noise"))
_CLASSES = (*_PLAIN, *_pairs("X ATEX, H high temperature, M marine"))
_GRADES = (*_PLAIN, *_pairs("P precision, C3 clearance C3"))
_PACKS = (*_PLAIN, *_pairs("K bulk pack"))

FAMILIES = (
    Family(
        "CP",
        "Centrifugal pumps",
        "Centrifugal pump",
        "PUMPS",
        _DN,
        _METALS,
        _MEDIA,
        (42_000, 890_000),
        "circulating clean liquids",
    ),
    Family(
        "GP",
        "Gear pumps",
        "Gear pump",
        "PUMPS",
        _DN,
        _METALS,
        _MEDIA,
        (31_000, 420_000),
        "metering oils and resins",
    ),
    Family(
        "DP",
        "Diaphragm pumps",
        "Diaphragm pump",
        "PUMPS",
        _DN,
        _METALS,
        _MEDIA,
        (27_500, 310_000),
        "moving abrasive slurries",
    ),
    Family(
        "SP",
        "Submersible pumps",
        "Submersible pump",
        "PUMPS",
        _DN,
        _METALS,
        _MEDIA,
        (38_000, 640_000),
        "draining pits and tanks",
    ),
    Family(
        "VP",
        "Vacuum pumps",
        "Vacuum pump",
        "PUMPS",
        _KW,
        _METALS,
        _MEDIA,
        (96_000, 1_450_000),
        "packaging and pick-up lines",
    ),
    Family(
        "BV", "Ball valves", "Ball valve", "VALVES", _DN, _METALS, _MEDIA, (1_850, 74_000), "tight shut-off"
    ),
    Family(
        "BF",
        "Butterfly valves",
        "Butterfly valve",
        "VALVES",
        _DN,
        _METALS,
        _MEDIA,
        (3_900, 92_000),
        "regulating large flows",
    ),
    Family(
        "GV",
        "Gate valves",
        "Gate valve",
        "VALVES",
        _DN,
        _METALS,
        _MEDIA,
        (4_400, 118_000),
        "isolating pipelines",
    ),
    Family(
        "CV",
        "Check valves",
        "Check valve",
        "VALVES",
        _DN,
        _METALS,
        _MEDIA,
        (2_100, 66_000),
        "stopping reverse flow",
    ),
    Family(
        "SV",
        "Solenoid valves",
        "Solenoid valve",
        "VALVES",
        _DN,
        _METALS,
        _MEDIA,
        (5_200, 48_000),
        "switching media electrically",
    ),
    Family(
        "PR",
        "Pressure regulators",
        "Pressure regulator",
        "VALVES",
        _DN,
        _METALS,
        _MEDIA,
        (8_900, 97_000),
        "steady outlet pressure",
    ),
    Family(
        "DB",
        "Deep groove ball bearings",
        "Deep groove ball bearing",
        "BEAR",
        _BORE,
        _BEARINGS,
        _GRADES,
        (420, 18_500),
        "high speeds",
    ),
    Family(
        "RB",
        "Roller bearings",
        "Roller bearing",
        "BEAR",
        _BORE,
        _BEARINGS,
        _GRADES,
        (1_900, 64_000),
        "heavy radial loads",
    ),
    Family(
        "PB",
        "Pillow block bearings",
        "Pillow block bearing",
        "BEAR",
        _BORE,
        _BEARINGS,
        _GRADES,
        (1_250, 22_000),
        "conveyor shafts",
    ),
    Family(
        "LG",
        "Linear guides",
        "Linear guide",
        "BEAR",
        _BORE,
        _BEARINGS,
        _GRADES,
        (6_400, 88_000),
        "precise straight travel",
    ),
    Family(
        "EM",
        "Electric motors",
        "Electric motor",
        "DRIVES",
        _KW,
        _MOTORS,
        _CLASSES,
        (14_500, 520_000),
        "continuous duty",
    ),
    Family(
        "GM",
        "Gear motors",
        "Gear motor",
        "DRIVES",
        _KW,
        _MOTORS,
        _CLASSES,
        (28_000, 610_000),
        "slow and strong rotation",
    ),
    Family(
        "FC",
        "Frequency converters",
        "Frequency converter",
        "DRIVES",
        _KW,
        _HOUSINGS,
        _CLASSES,
        (24_500, 740_000),
        "speed control of motors",
    ),
    Family(
        "SC",
        "Shaft couplings",
        "Shaft coupling",
        "DRIVES",
        _BORE,
        _STEELS,
        _GRADES,
        (2_300, 41_000),
        "joining shafts without play",
    ),
    Family(
        "VB",
        "V-belts",
        "V-belt",
        "DRIVES",
        _BORE,
        _BELTS,
        _CLASSES,
        (9_500, 68_000),
        "quiet power transmission",
        10,
    ),
    Family(
        "RC",
        "Roller chains",
        "Roller chain",
        "DRIVES",
        _BORE,
        _STEELS,
        _PACKS,
        (1_600, 14_500),
        "robust conveying",
        1,
        "m",
    ),
    Family(
        "PS",
        "Pressure sensors",
        "Pressure sensor",
        "SENSOR",
        _DN,
        _HOUSINGS,
        _CLASSES,
        (7_800, 36_000),
        "gauge pressure, 4 to 20 mA",
    ),
    Family(
        "TS",
        "Temperature sensors",
        "Temperature sensor",
        "SENSOR",
        _DN,
        _HOUSINGS,
        _CLASSES,
        (3_900, 19_500),
        "contact measurement",
    ),
    Family(
        "FM",
        "Flow meters",
        "Flow meter",
        "SENSOR",
        _DN,
        _HOUSINGS,
        _CLASSES,
        (38_500, 410_000),
        "volume flow of liquids",
    ),
    Family(
        "LS",
        "Level switches",
        "Level switch",
        "SENSOR",
        _DN,
        _HOUSINGS,
        _CLASSES,
        (6_900, 29_000),
        "tank overfill protection",
    ),
    Family(
        "PX",
        "Proximity switches",
        "Proximity switch",
        "SENSOR",
        _M,
        _HOUSINGS,
        _CLASSES,
        (2_900, 12_500),
        "contactless position",
    ),
    Family(
        "HC",
        "Hydraulic cylinders",
        "Hydraulic cylinder",
        "HYDR",
        _BORE,
        _METALS,
        _CLASSES,
        (18_500, 290_000),
        "pushing and lifting",
    ),
    Family(
        "HP",
        "Hydraulic power units",
        "Hydraulic power unit",
        "HYDR",
        _KW,
        _METALS,
        _CLASSES,
        (145_000, 1_980_000),
        "presses and lifts",
    ),
    Family(
        "HH",
        "Hydraulic hoses",
        "Hydraulic hose",
        "HYDR",
        _DN,
        _RUBBERS,
        _CLASSES,
        (900, 8_400),
        "pressure lines up to 350 bar",
        1,
        "m",
    ),
    Family(
        "HF",
        "Hydraulic filters",
        "Hydraulic filter",
        "HYDR",
        _DN,
        _METALS,
        _CLASSES,
        (3_600, 32_000),
        "clean oil circuits",
    ),
    Family(
        "PC",
        "Pneumatic cylinders",
        "Pneumatic cylinder",
        "PNEU",
        _BORE,
        _METALS,
        _CLASSES,
        (5_400, 61_000),
        "fast linear strokes",
    ),
    Family(
        "PF",
        "Push-in fittings",
        "Push-in fitting",
        "PNEU",
        _M,
        _METALS,
        _CLASSES,
        (14_000, 58_000),
        "tubing without tools",
        100,
    ),
    Family(
        "FR",
        "Filter regulators",
        "Filter regulator",
        "PNEU",
        _DN,
        _METALS,
        _CLASSES,
        (4_800, 27_000),
        "dry and steady air",
    ),
    Family(
        "OS",
        "O-ring sets",
        "O-ring set",
        "SEALS",
        _M,
        _RUBBERS,
        _MEDIA,
        (2_400, 16_500),
        "static sealing",
        10,
        "set",
    ),
    Family(
        "MS",
        "Mechanical seals",
        "Mechanical seal",
        "SEALS",
        _BORE,
        _RUBBERS,
        _MEDIA,
        (9_800, 84_000),
        "rotating pump shafts",
    ),
    Family(
        "FG",
        "Flange gaskets",
        "Flange gasket",
        "SEALS",
        _DN,
        _RUBBERS,
        _MEDIA,
        (6_500, 49_000),
        "flanged joints",
        10,
    ),
    Family(
        "HB",
        "Hexagon bolts",
        "Hexagon bolt",
        "FAST",
        _M,
        _STEELS,
        _PACKS,
        (480, 13_900),
        "flanges and frames",
        100,
        "pcs",
    ),
    Family(
        "WN",
        "Lock nuts",
        "Lock nut",
        "FAST",
        _M,
        _STEELS,
        _PACKS,
        (310, 9_900),
        "joints that vibrate",
        100,
        "pcs",
    ),
    Family(
        "SG",
        "Safety gloves",
        "Pair of safety gloves",
        "SAFE",
        _WEAR,
        _CLOTHS,
        _PACKS,
        (390, 1_450),
        "cut protection",
        10,
        "pair",
    ),
    Family(
        "EY",
        "Emergency eyewash stations",
        "Emergency eyewash station",
        "SAFE",
        _WEAR,
        _METALS,
        _PLAIN,
        (21_000, 79_000),
        "first aid",
    ),
    Family(
        "LK",
        "Lockout kits",
        "Lockout kit",
        "SAFE",
        _WEAR,
        _BOXES,
        _PLAIN,
        (5_600, 24_000),
        "safe maintenance",
        1,
        "set",
    ),
    Family(
        "CB",
        "Conveyor belts",
        "Conveyor belt",
        "CONV",
        _DN,
        _BELTS,
        _CLASSES,
        (4_200, 26_000),
        "bulk and piece goods",
        1,
        "m",
    ),
    Family(
        "CR",
        "Conveyor rollers",
        "Conveyor roller",
        "CONV",
        _BORE,
        _STEELS,
        _PACKS,
        (2_600, 14_800),
        "roller tracks",
    ),
    Family(
        "HX",
        "Plate heat exchangers",
        "Plate heat exchanger",
        "THERM",
        _DN,
        _METALS,
        _CLASSES,
        (64_000, 920_000),
        "liquid to liquid",
    ),
)
# Number, name, description, unit and price in cents.
SERVICES = (
    ("SRV-FREIGHT", "Freight", "Freight and handling to the delivery address.", "ea", 9_500),
    ("SRV-EXPRESS", "Express surcharge", "Surcharge for delivery on the next working day.", "ea", 14_500),
    ("SRV-INSTALL", "Installation", "Installation on site by the hour.", "hour", 11_800),
    ("SRV-COMM", "Commissioning", "Commissioning and acceptance test by the hour.", "hour", 13_900),
    ("SRV-TRAIN", "Operator training", "Training of operators on site, per day.", "ea", 98_000),
    ("SRV-CALIB", "Calibration", "Calibration with certificate.", "ea", 16_500),
)
SERVICE_GROUP = "SERV"
