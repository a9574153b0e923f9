"""Our one typeface as static files: two weights cut from the variable Inter, under a private name.

Cutting at every render would cost more than the layout, so it happens once per machine, into a
cache. The private name keeps an installed copy of Inter from being mixed in, and the font
configuration knows no other folder, so a document never depends on what the machine has installed.
Run in the worker: fontTools stays out of the service.
"""

import gc
from collections.abc import Iterable
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FAMILY = "Quotewright Sans"
WEIGHTS = {400: "Regular", 600: "SemiBold"}
# The optical size of Inter's text cut; its display cut begins at 32.
OPTICAL_SIZE = 14
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "tnum"]
# Latin with Vietnamese, Greek, Cyrillic, punctuation, currencies, arrows, mathematics, small signs.
SCRIPTS = (
    (0x20, 0x24F), (0x2B9, 0x2DD), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x45F), (0x490, 0x491),
    (0x1E00, 0x1EFF), (0x2000, 0x206F), (0x2070, 0x209F), (0x20A0, 0x20CF), (0x2100, 0x215F),
    (0x2190, 0x2199), (0x2200, 0x22FF), (0x25A0, 0x25FF), (0x2713, 0x2717), (0xFB00, 0xFB06),
)  # fmt: skip
CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{folder}</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""


def cut_fonts(source: Path, folder: Path) -> Path:
    """Make the static faces and their font configuration below the folder, unless they are there.

    Returns the path of `fonts.conf`. Takes some seconds the first time; several processes may try
    at once, the first to finish wins and all faces are the same bytes.
    """
    configuration = folder / "fonts.conf"
    if configuration.exists():
        return configuration
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        gc.disable()
        for weight, style in WEIGHTS.items():
            _cut(source, draft / f"text-{weight}.ttf", weight, style)
        (draft / "fonts.conf").write_text(CONFIGURATION.format(folder=folder))
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError:
        if not configuration.exists():
            raise
    finally:
        gc.enable()
        rmtree(draft, ignore_errors=True)
    return configuration


def characters(folder: Path) -> frozenset[int]:
    """Return the code points that every face of the folder has."""
    faces = [TTFont(each, lazy=True).getBestCmap() for each in sorted(folder.glob("*.ttf"))]
    return frozenset.intersection(*(frozenset(each) for each in faces))


def _cut(source: Path, target: Path, weight: int, style: str) -> None:
    # recalcTimestamp=False: the time of the cut would change the bytes of every document.
    font = TTFont(source, recalcTimestamp=False)
    options = subset.Options()
    options.layout_features = FEATURES
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.hinting = False
    options.recalc_timestamp = False
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[each for each in font.getBestCmap() if _wanted(each, SCRIPTS)])
    cutter.subset(font)
    instantiateVariableFont(font, {"wght": weight, "opsz": OPTICAL_SIZE}, inplace=True, static=True)
    _rename(font, style)
    font.save(target)


def _wanted(code: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _rename(font: TTFont, style: str) -> None:
    names = font["name"]
    for name_id in (16, 17, 21, 22, 25):
        names.removeNames(nameID=name_id)
    full = f"{FAMILY} {style}"
    texts = {1: FAMILY, 2: style, 3: full, 4: full, 6: full.replace(" ", "")}
    for name_id, text in texts.items():
        names.removeNames(nameID=name_id)
        names.setName(text, name_id, 3, 1, 0x409)
