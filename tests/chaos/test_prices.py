"""A hundred thousand random price books and baskets keep every law; PRICE_BOOKS says how many.

A run begins with the seed that it prints: PRICE_SEED repeats it.
"""

import os
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.unit.pricer.drawing import SHARE, broken

BOOKS = int(os.environ.get("PRICE_BOOKS", "100000"))
SEED = int(os.environ.get("PRICE_SEED") or random.SystemRandom().randrange(2**40))


@pytest.mark.prove
def test_every_book_and_basket_keeps_every_law(capsys: pytest.CaptureFixture[str]) -> None:
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = [
            each for part in pool.map(broken, range(SEED, SEED + BOOKS, SHARE)) for each in part
        ]
    with capsys.disabled():
        print(f"\n{BOOKS} price books, PRICE_SEED={SEED}")
    assert found == []
