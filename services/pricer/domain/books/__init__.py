"""Price books: entries, price models, rules and rounding, and a book made ready for pricing."""
