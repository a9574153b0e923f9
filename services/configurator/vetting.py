"""Vets a drawing: of an SVG only what draws is let through, and that is written out anew.

Nothing that runs, loads, links or refers has a place in it: no script, handler, picture, font,
link, entity or `url()`. What is served is what this module wrote, never the file as it came.
"""

import re
from collections.abc import Mapping
from html import escape
from xml.parsers import expat

BYTES_MAX, ELEMENTS_MAX, DEPTH_MAX, FAULTS_MAX = 60_000, 2_000, 16, 5
SVG = "http://www.w3.org/2000/svg"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What a rule of a style and an attribute may set alike: colours, lines, letters.
PAINT = _names(
    "fill fill-opacity fill-rule stroke stroke-width stroke-linecap stroke-linejoin"
    " stroke-dasharray stroke-dashoffset stroke-opacity opacity font-family font-size font-weight"
    " text-anchor dominant-baseline letter-spacing"
)
ELEMENTS: Mapping[str, frozenset[str]] = {
    "svg": _names("viewBox width height"),
    "g": _names(""),
    "rect": _names("x y width height rx ry"),
    "circle": _names("cx cy r"),
    "ellipse": _names("cx cy rx ry"),
    "line": _names("x1 y1 x2 y2"),
    "polyline": _names("points"),
    "polygon": _names("points"),
    "path": _names("d"),
    "text": _names("x y dx dy"),
    "tspan": _names("x y dx dy"),
    "title": _names(""),
    "desc": _names(""),
    "style": _names(""),
}
_TEXTS = frozenset({"text", "tspan", "title", "desc", "style"})
# Neither brackets nor quotes, colons, slashes or backslashes: no function, address or escape.
_PLAIN = re.compile(r"[A-Za-z0-9#%.,+\- \t\n]{0,8000}")
_MOVES = re.compile(
    r"(?:(?:translate|rotate|scale|skewX|skewY|matrix)\([-+0-9.,eE ]{1,80}\)[ ,]{0,4}){1,8}"
)
_VIEW = re.compile(r"0 0 ([1-9][0-9]{0,3}) ([1-9][0-9]{0,3})")
_SCHEME = re.compile(
    r"\s*+@media \(prefers-color-scheme: (dark|light)\)\s*+\{((?:[^{}]*+\{[^{}]*+\})*+)\s*+\}"
)
_RULE = re.compile(r"([^{}]*+)\{([^{}]*+)\}")
_SELECTOR = re.compile(r"[a-z.][a-z0-9., -]{0,200}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]{0,40}")


class DrawingRefused(ValueError):
    """A drawing holds what does not draw.   Attributes: faults, each with its line and remedy."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def vetted(drawing: bytes) -> bytes:
    """Return the drawing as it may be served: UTF-8, the same shapes in the same order.

    Raises: DrawingRefused, with all faults of it up to five.
    """
    if len(drawing) > BYTES_MAX:
        raise DrawingRefused([f"larger than {BYTES_MAX} bytes; draw it simpler"])
    return _Reader().read(drawing)


class _Stop(Exception):
    """What follows is not looked at any more."""


class _Reader:
    def __init__(self) -> None:
        # Without a DOCTYPE there are no entities; whatever declares one ends the reading.
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begins
        self._parser.EndElementHandler = self._ends
        self._parser.CharacterDataHandler = self._says
        self._parser.StartDoctypeDeclHandler = self._declares
        self._parser.ProcessingInstructionHandler = self._instructs
        self._written: list[str] = []
        self._faults: list[str] = []
        self._inside: list[str] = []
        self._style: list[str] = []
        self._count = 0

    def read(self, drawing: bytes) -> bytes:
        try:
            self._parser.Parse(drawing, True)
        except expat.ExpatError as fault:
            said = expat.ErrorString(fault.code)
            self._faults.append(f"line {fault.lineno}: not well-formed XML ({said}); mend it")
        except _Stop:
            pass
        if self._faults:
            raise DrawingRefused(self._faults)
        return ("".join(self._written) + "\n").encode()

    def _fault(self, words: str) -> None:
        self._faults.append(f"line {self._parser.CurrentLineNumber}: {words}")
        if len(self._faults) >= FAULTS_MAX:
            raise _Stop

    def _declares(self, *_declared: object) -> None:
        self._fault("a DOCTYPE can bring entities and files in; remove it")
        raise _Stop

    def _instructs(self, target: str, _content: str) -> None:
        self._fault(f"the instruction <?{_shown(target)}?> can bring a style in; remove it")

    def _begins(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS_MAX or len(self._inside) >= DEPTH_MAX:
            self._fault(f"more than {ELEMENTS_MAX} elements, or {DEPTH_MAX} in each other; less do")
            raise _Stop
        space, _, local = name.rpartition(" ")
        is_root = not self._inside
        is_text = not is_root and self._inside[-1] in _TEXTS
        fits = is_root == (local == "svg") and (not is_text or local == "tspan")
        self._inside.append(local)
        if space != SVG or local not in ELEMENTS or not fits:
            self._misplaced(local, is_root=is_root)
            return
        told = "".join(
            f' {each}="{escape(value)}"'
            for each, value in attributes.items()
            if self._holds(local, each, value)
        )
        if is_root:
            told += f' xmlns="{SVG}"'
            if "viewBox" not in attributes:
                self._fault('<svg> needs viewBox="0 0 WIDTH HEIGHT"; write it')
        self._written.append(f"<{local}{told}>")

    def _misplaced(self, name: str, *, is_root: bool) -> None:
        if is_root:
            self._fault(f'the outermost element must be <svg xmlns="{SVG}">')
            raise _Stop
        known = ", ".join(each for each in ELEMENTS if each != "svg")
        self._fault(f"<{_shown(name)}> is none of {known}; remove it")

    def _holds(self, element: str, name: str, value: str) -> bool:
        """Say whether an attribute goes along, or why it does not."""
        if name == "viewBox" and element == "svg":
            is_right = bool(_VIEW.fullmatch(value))
            wanted = "0 0 WIDTH HEIGHT in whole numbers up to 9999"
        elif name == "transform":
            is_right, wanted = bool(_MOVES.fullmatch(value)), "translate(4, 2), rotate, scale ..."
        elif name in PAINT or name == "class" or name in ELEMENTS[element]:
            is_right, wanted = bool(_PLAIN.fullmatch(value)), "plain numbers, words and colours"
        else:
            self._fault(f"{_shown(name)} of <{element}> does not draw; remove it")
            return False
        if not is_right:
            self._fault(f"{name} of <{element}> is {_shown(value)}; only {wanted} may stand there")
        return is_right

    def _says(self, text: str) -> None:
        inside = self._inside[-1]
        if inside == "style":
            self._style.append(text)
        elif inside in _TEXTS:
            self._written.append(escape(text))
        elif text.strip() and inside in ELEMENTS:
            self._fault(f"<{inside}> holds the text {_shown(text.strip())}; put it into <text>")

    def _ends(self, _name: str) -> None:
        name = self._inside.pop()
        if name == "style":
            style, self._style = "".join(self._style), []
            self._written.append(self._styled(style))
        if name in ELEMENTS:
            self._written.append(f"</{name}>")

    def _styled(self, style: str) -> str:
        """Return the rules of a style, with those for a scheme of colours in theirs."""
        found, at = [], 0
        while match := _SCHEME.match(style, at) or _RULE.match(style, at):
            at = match.end()
            if match.re is _SCHEME:
                rules = "".join(self._rule(each) for each in _RULE.finditer(match[2]))
                found.append(f"@media (prefers-color-scheme: {match[1]}){{{rules}}}")
            else:
                found.append(self._rule(match))
        if rest := style[at:].strip():
            self._fault(f"the style says {_shown(rest)}; only rules like .a {{fill: #123456}} do")
        return "".join(found)

    def _rule(self, match: re.Match[str]) -> str:
        selector = match[1].strip()
        if not _SELECTOR.fullmatch(selector):
            self._fault(f"the style is for {_shown(selector)}; name elements and .classes only")
            return ""
        pairs = [each.partition(":") for each in match[2].split(";") if each.strip()]
        for name, _, value in pairs:
            if name.strip() not in PAINT:
                self._fault(
                    f"the style sets {_shown(name.strip())}, which does not draw; remove it"
                )
            elif not _PLAIN.fullmatch(value):
                self._fault(f"{name.strip()} of the style is {_shown(value)}; only plain values do")
        return f"{selector}{{{';'.join(f'{n.strip()}:{v.strip()}' for n, _, v in pairs)}}}"


def _shown(text: str) -> str:
    """Return what a file says so that it can stand in one line of a message."""
    plain = "".join(each if each.isprintable() else " " for each in text[:60])
    return plain if _NAME.fullmatch(plain) else f"'{plain}'"
