"""The render worker: a process that holds WeasyPrint warm and turns page models into PDF bytes.

`python -m services.documents.worker`, with its socket as standard input. It gets everything it
needs (template, looks, logos, the place of the fonts) in the first frame, answers when it is warm,
then one page model a frame. It opens no address: the only things a template can name are a brand's
logo and our typeface. It ends when the service closes the socket, as the service's death does too.
"""

import gc
import json
import os
import resource
import socket
import sys
import time
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.documents.fonts import characters, cut_fonts
from services.documents.frames import read_frame, send_frame

ASSET = "quotewright-asset:"
WHITE_SPACE = frozenset("\t\n\r")
SVG = {"Content-Type": "image/svg+xml"}


class Unprintable(Exception):
    """The text holds characters that the typeface does not have."""


def run(link: socket.socket) -> None:
    """Serve one service until it closes the link."""
    try:
        start = json.loads(read_frame(link))
        _limit_memory(start["memory_bytes"])
        press = Press(start)
        for specimen in start["warm_up"]:
            press.print(specimen)
    except EOFError:
        return
    except Exception as fault:  # noqa: BLE001  told to the service, which says it in its words
        send_frame(link, json.dumps({"ready": False, "message": repr(fault)}).encode())
        return
    # What was made so far lives for ever: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.disable()
    send_frame(link, json.dumps({"ready": True, "engine": press.engine}).encode())
    while True:
        try:
            asked = read_frame(link)
        except EOFError:
            return
        _limit_cpu(start["cpu_s"])
        head, content = _answer(press, json.loads(asked))
        send_frame(link, json.dumps(head).encode())
        send_frame(link, content)
        # After the answer, so that nobody waits for it.
        gc.collect()


class Press:
    """WeasyPrint with our fonts, one parsed stylesheet per brand, and the compiled template."""

    def __init__(self, start: Mapping[str, Any]) -> None:
        """Load everything once.   Raises: what is wrong with fonts, template or libraries."""
        folder = Path(start["font_folder"])
        os.environ["FONTCONFIG_FILE"] = str(cut_fonts(Path(start["font_source"]), folder))
        # Only now: the library reads the font configuration when it is imported.
        from services.documents.sheet import Typesetter  # noqa: PLC0415

        self._characters = characters(folder)
        assets = {f"{ASSET}{name}": (text.encode(), SVG) for name, text in start["logos"].items()}
        self._typesetter = Typesetter(start["styles"], assets)
        self._template = _compiled(start["template"])
        self.engine = f"{self._typesetter.engine}, {start['typeface']}"

    def print(self, page: Mapping[str, Any]) -> tuple[bytes, int]:
        """Return the PDF of a page model and its number of pages.

        Raises: Unprintable; MemoryError; whatever is wrong with the template.
        """
        markup = self._template.render(page=page)
        self._check_characters(markup)
        return self._typesetter.pdf(ET.fromstring(markup), page["brand"])  # noqa: S314  no DTD in it

    def _check_characters(self, markup: str) -> None:
        missing = [
            each
            for each in sorted(set(markup) - WHITE_SPACE)
            if ord(each) not in self._characters and unicodedata.category(each) != "Cf"
        ]
        if missing:
            shown = ", ".join(f"{each!a} (U+{ord(each):04X})" for each in missing[:5])
            raise Unprintable(
                f"the document's typeface prints Latin, Greek and Cyrillic, and has no {shown}; "
                "write these words in one of those scripts"
            )


def _compiled(template: str) -> Template:
    # Templates get plain dicts only; without globals there is nothing to call.
    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    environment.globals.clear()
    return environment.from_string(template)


def _answer(press: Press, page: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    begun = time.perf_counter()
    try:
        content, pages = press.print(page)
    except Unprintable as fault:
        return {"ok": False, "code": "unprintable", "message": str(fault)}, b""
    except MemoryError:
        # What is left of this process is not to be trusted: end, and be replaced.
        raise
    except Exception as fault:  # noqa: BLE001  a fault of template or engine; this worker is fine
        return {"ok": False, "code": "template", "message": f"{type(fault).__name__}: {fault}"}, b""
    spent_ms = round((time.perf_counter() - begun) * 1000, 1)
    return {"ok": True, "pages": pages, "spent_ms": spent_ms, "rss_bytes": _rss_bytes()}, content


def _rss_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def _limit_memory(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu(seconds: int) -> None:
    """Give the next document so many seconds more than this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))


if __name__ == "__main__":
    run(socket.socket(fileno=os.dup(sys.stdin.fileno())))
