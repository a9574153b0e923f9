"""A page's stream: drawn when something changed, once more soon after, and never the same twice."""

import asyncio
from collections.abc import Iterator
from operator import length_hint

import pytest
from fastapi import Request

from infra import live
from infra.live import Live


class Looking(Request):
    """Somebody who keeps his page open."""

    def __init__(self, last: str = "") -> None:
        headers = [(b"last-event-id", last.encode())] if last else []
        super().__init__({"type": "http", "headers": headers})

    async def is_disconnected(self) -> bool:
        return False


def streamed(it: Live, drawn: Iterator[str], wanted: int, last: str = "") -> list[str]:
    """Return the first messages of a stream, which end well before a page is drawn anew by itself."""

    async def read() -> list[str]:
        found: list[str] = []
        answer = it.stream(Looking(last), {"deal"}, lambda: next(drawn))
        async with asyncio.timeout(10):
            async for each in answer.body_iterator:
                found.append(str(each))
                if len(found) == wanted:
                    break
        it.close()
        return found

    return asyncio.run(read())


@pytest.fixture(autouse=True)
def _nothing_else_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ANEW_S", 60.0)


def test_what_comes_a_moment_after_a_page_is_shown_soon() -> None:
    _, first, second = streamed(Live(set), iter(["offer", "offer and history"]), 3)
    assert first.endswith("data: offer\n\n")
    assert second.endswith("data: offer and history\n\n")


def test_a_changed_page_is_drawn_once_more_soon_after_the_change() -> None:
    left = iter(["old", "old", "new", "new and history"])
    news = iter([{"deal"}])
    # Told once, when the page has come to rest.
    it = Live(lambda: next(news, set()) if length_hint(left) == 2 else {"other"})
    told = streamed(it, left, 5)
    assert [each.partition("data: ")[2].strip() for each in told if "data: " in each] == [
        "old",
        "new",
        "new and history",
    ]


def test_who_comes_back_gets_nothing_twice() -> None:
    _, event = streamed(Live(set), iter(["offer"]), 2)
    number = event.partition("\n")[0].removeprefix("id: ")
    _, again, later = streamed(Live(set), iter(["offer", "newer"]), 3, last=number)
    assert again == ": here\n\n"
    assert later.endswith("data: newer\n\n")
