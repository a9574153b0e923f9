"""Tryton's side of `make bench-peers`: makes a shop in Tryton and prices baskets when asked.

Run by the Python of Tryton's own environment, never imported by ours. It reads one ask in JSON
from each line of its standard input and writes one answer in JSON; `TRYTOND_DATABASE_URI` names
the server, where it makes a database. Times are those of Tryton's calls alone.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from trytond import backend
from trytond.pool import Pool
from trytond.transaction import Transaction

DATABASE = "peer"
MODULE = "sale_price_list"
# Tryton validates all new records in one query of so many terms and in as many nested calls.
TOGETHER = 10

Lines = Sequence[tuple[str, int]]


class Shop:
    """A database of Tryton with one company, its products, a price list and a customer."""

    def __init__(self) -> None:
        _make_database()
        self.user = 0
        self.customer = 0
        self.price_list = 0
        self.products: dict[str, int] = {}

    def opened(self, wares: Mapping[str, Any]) -> dict[str, Any]:
        """Make what is sold, by whom and to whom; returns the versions."""
        with self._asked() as pool:
            self.user = _user(pool)
        with self._asked() as pool:
            _company(pool, self.user, wares["currency"])
        with self._asked() as pool:
            accounting = _accounting(pool)
            categories = _categories(pool, [part["category"] for part in wares["parts"]])
            self.products = _products(pool, wares["parts"], categories, accounting)
            self.price_list = _price_list(pool, wares["price_list"], self.products, categories)
            self.customer = _party(pool, "Customer", sale_price_list=self.price_list)
        gc.collect()
        gc.freeze()  # as our own process does: what is there for good is not walked over again
        names = ("trytond", "trytond_sale", "trytond_product_price_list", "trytond_sale_price_list")
        return {"versions": {name: version(name) for name in names}}

    def looked_up(self, lines: Lines) -> dict[str, Any]:
        """Ask the price list for the unit price of each line, and nothing else; makes no sale."""
        with self._asked() as pool:
            began = time.perf_counter()
            price_list = pool.get("product.price_list")(self.price_list)
            products = self._together(pool, lines)
            prices = [
                price_list.compute(products[sku], quantity, products[sku].sale_uom)
                for sku, quantity in lines
            ]
            took = time.perf_counter() - began
        return {"took_ms": took * 1000, "unit_prices": list(map(str, prices))}

    def filled(self, lines: Lines) -> dict[str, Any]:
        """Fill a sale for the customer as its form does: prices, amounts, totals; not saved."""
        with self._asked() as pool:
            began = time.perf_counter()
            sale = self._sale(pool)
            products = self._together(pool, lines)
            sale.lines = [_line(pool, sale, products[sku], number) for sku, number in lines]
            sale.on_change_lines()
            took = time.perf_counter() - began
            return {
                "took_ms": took * 1000,
                "unit_prices": [str(line.unit_price) for line in sale.lines],
                "amounts": [str(line.amount) for line in sale.lines],
                "total": str(sale.total_amount),
            }

    def _together(self, pool: Any, lines: Lines) -> dict[str, Any]:
        """Return the products as records that are read together and only once: the fastest way."""
        skus = list(dict.fromkeys(sku for sku, _ in lines))
        records = pool.get("product.product").browse([self.products[sku] for sku in skus])
        return dict(zip(skus, records, strict=True))

    def _sale(self, pool: Any) -> Any:
        Sale = pool.get("sale.sale")
        sale = Sale(**Sale.default_get(list(Sale._fields), with_rec_name=False))
        sale.party = pool.get("party.party")(self.customer)
        sale.on_change_party()
        return sale

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        """Begin a transaction as the user, with his company, as each ask of a client does."""
        with Transaction().start(DATABASE, self.user):
            pool = Pool()
            preferences = pool.get("res.user").get_preferences(context_only=True)
            with Transaction().set_context(preferences if self.user else {}):
                yield pool


def _line(pool: Any, sale: Any, product: Any, quantity: int) -> Any:
    line = pool.get("sale.line")(type="line", sale=sale, product=product, quantity=float(quantity))
    line.on_change_product()
    return line


def _make_database() -> None:
    """Make an empty database and activate the module with all that it needs."""
    first = backend.Database()
    connection = first.get_connection(autocommit=True)
    first.create(connection, DATABASE)
    first.put_connection(connection)
    database = backend.Database(DATABASE)
    connection = database.get_connection()
    database.init()
    connection.commit()
    database.put_connection(connection)
    Pool.start()
    pool = Pool(DATABASE)
    pool.init(update=["ir", "res"], lang=["en"])
    with Transaction().start(DATABASE, 0):
        pool.get("ir.module").update_list()
    pool.init(update=[MODULE], lang=["en"], activatedeps=True)


def _user(pool: Any) -> int:
    values = {"name": "Seller", "login": "seller", "administrator": True}
    (user,) = pool.get("res.user").create([values])
    return user.id


def _company(pool: Any, user: int, code: str) -> None:
    currency = {"name": code, "symbol": code, "code": code, "digits": 2,
                "rounding": Decimal("0.01")}  # fmt: skip
    (made,) = pool.get("currency.currency").create([currency])
    values = {"party": _party(pool, "Company"), "currency": made.id}
    (company,) = pool.get("company.company").create([values])
    User = pool.get("res.user")
    User.write([User(user)], {"companies": [("add", [company.id])], "company": company.id})


def _party(pool: Any, name: str, **more: Any) -> int:
    values = {"name": name, "addresses": [("create", [{}])]} | more
    (party,) = pool.get("party.party").create([values])
    return party.id


def _accounting(pool: Any) -> int:
    """Make the accounts without which nothing can be sold: one of revenue, one of expense."""
    accounts = {}
    for kind in ("revenue", "expense"):
        (made,) = pool.get("account.account.type").create(
            [{"name": kind, "statement": "income", kind: True}]
        )
        (account,) = pool.get("account.account").create([{"name": kind, "type": made.id}])
        accounts[f"account_{kind}"] = account.id
    (category,) = pool.get("product.category").create(
        [{"name": "Accounting", "accounting": True, **accounts}]
    )
    return category.id


def _categories(pool: Any, names: Sequence[str]) -> dict[str, int]:
    made = pool.get("product.category").create([{"name": name} for name in dict.fromkeys(names)])
    return {category.name: category.id for category in made}


def _products(
    pool: Any, parts: Sequence[Mapping[str, str]], categories: Mapping[str, int], accounting: int
) -> dict[str, int]:
    (unit,) = pool.get("product.uom").search([("name", "=", "Unit")])
    values = [
        {
            "name": part["sku"],
            "type": "goods",
            "salable": True,
            "default_uom": unit.id,
            "sale_uom": unit.id,
            "list_price": Decimal(part["list_price"]),
            "account_category": accounting,
            "categories": [("add", [categories[part["category"]]])],
            "products": [("create", [{"code": part["sku"]}])],
        }
        for part in parts
    ]
    Template = pool.get("product.template")
    made = [
        template
        for start in range(0, len(values), TOGETHER)
        for template in Template.create(values[start : start + TOGETHER])
    ]
    return {template.name: template.products[0].id for template in made}


def _price_list(
    pool: Any,
    lines: Sequence[Mapping[str, Any]],
    products: Mapping[str, int],
    categories: Mapping[str, int],
) -> int:
    """Make the price list; Tryton takes the first line that fits, in the order of `sequence`."""
    (made,) = pool.get("product.price_list").create([{"name": "Prices", "price": "list_price"}])
    values = [
        {
            "price_list": made.id,
            "sequence": place,
            "product": products.get(line["sku"]),
            "category": categories.get(line["category"]),
            "quantity": line["at_least"],
            "formula": line["formula"],
        }
        for place, line in enumerate(lines)
    ]
    Line = pool.get("product.price_list.line")
    for start in range(0, len(values), TOGETHER):
        Line.create(values[start : start + TOGETHER])
    return made.id


def main() -> None:
    """Answer asks until there are no more. What goes wrong is an answer too, and the last one."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what Tryton prints is for the log
    shop = Shop()
    kinds: dict[str, Callable[[Any], dict[str, Any]]] = {
        "open": shop.opened, "look_up": shop.looked_up, "fill": shop.filled,
    }  # fmt: skip
    for text in sys.stdin:
        ask = json.loads(text)
        answers.write(json.dumps(kinds[ask["ask"]](ask["about"])) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
