"""The fixed words of a quote document, per language."""

from collections.abc import Mapping

from contracts.charges import months_of
from services.documents.domain.refusals import UnknownLanguage

ENGLISH = {
    "quote": "Quotation",
    "number": "Quote number",
    "revision": "Revision",
    "issued": "Date of issue",
    "valid": "Valid until",
    "valid_sentence": "This offer is valid through {day}, end of day, {zone}.",
    "currency": "Currency",
    "prepared_for": "Prepared for",
    "project": "Project",
    "offer_value": "Your price",
    "one_time": "One-time",
    "monthly": "Monthly",
    "quarterly": "Quarterly",
    "half_yearly": "Half-yearly",
    "yearly": "Yearly",
    "every_months": "Every {months} months",
    "per_one_time": "",
    "per_monthly": "per month",
    "per_quarterly": "per quarter",
    "per_half_yearly": "per half-year",
    "per_yearly": "per year",
    "per_months": "per {months} months",
    "products": "Products and configuration",
    "quantity": "Quantity",
    "configuration": "Configuration",
    "specification": "Technical specification",
    "prices": "Prices",
    "part": "Part number",
    "description": "Description",
    "unit_list": "Unit price",
    "list": "List price",
    "discount": "Discount",
    "net": "Net price",
    "subtotal": "Subtotal, {charge}",
    "total": "Total",
    "totals": "Totals",
    "total_note": "Recurring charges are counted for one period in the total.",
    "payable": "To be paid in cash: {amount} (rounding {difference}).",
    "term": "Over the term of {months} months",
    "recurring": "Recurring charges",
    "tcv": "Total contract value",
    "acv": "Annual contract value",
    "term_note": "The annual contract value is what recurs in twelve months on average.",
    "month": "Recurring charges, month {first}",
    "months": "Recurring charges, months {first} to {last}",
    "amounts_in": "Amounts in {currency}, net of taxes.",
    "discounts": "Discounts included",
    "discount_item": "Item {item}: {percent}",
    "discount_all": "On all discountable items: {percent}",
    "discount_given": "You save {amount} against the list price.",
    "rate": "Converted at {rate} of {day}.",
    "terms": "Commercial terms",
    "payment": "Payment",
    "delivery": "Delivery",
    "warranty": "Warranty",
    "incoterm": "Delivery terms",
    "notes": "Notes",
    "validity": "Validity",
    "page_x_of_y": "Page {x} of {y}",
    "reference": "Reference",
    "draft": "DRAFT",
    "draft_note": "Draft for discussion. Not an offer.",
    "yes": "yes",
    "no": "no",
}

GERMAN = {
    "quote": "Angebot",
    "number": "Angebotsnummer",
    "revision": "Revision",
    "issued": "Ausgestellt am",
    "valid": "Gültig bis",
    "valid_sentence": "Dieses Angebot gilt bis einschließlich {day}, Ende des Tages, {zone}.",
    "currency": "Währung",
    "prepared_for": "Erstellt für",
    "project": "Projekt",
    "offer_value": "Ihr Preis",
    "one_time": "Einmalig",
    "monthly": "Monatlich",
    "quarterly": "Vierteljährlich",
    "half_yearly": "Halbjährlich",
    "yearly": "Jährlich",
    "every_months": "Alle {months} Monate",
    "per_one_time": "",
    "per_monthly": "pro Monat",
    "per_quarterly": "pro Quartal",
    "per_half_yearly": "pro Halbjahr",
    "per_yearly": "pro Jahr",
    "per_months": "pro {months} Monate",
    "products": "Produkte und Konfiguration",
    "quantity": "Menge",
    "configuration": "Konfiguration",
    "specification": "Technische Daten",
    "prices": "Preise",
    "part": "Artikelnummer",
    "description": "Bezeichnung",
    "unit_list": "Einzelpreis",
    "list": "Listenpreis",
    "discount": "Nachlass",
    "net": "Nettopreis",
    "subtotal": "Zwischensumme {charge}",
    "total": "Gesamt",
    "totals": "Summen",
    "total_note": "Wiederkehrende Beträge zählen in der Gesamtsumme für einen Zeitraum.",
    "payable": "Bar zu zahlen: {amount} (Rundung {difference}).",
    "term": "Über die Laufzeit von {months} Monaten",
    "recurring": "Wiederkehrende Beträge",
    "tcv": "Gesamter Vertragswert",
    "acv": "Jährlicher Vertragswert",
    "term_note": "Der jährliche Vertragswert ist, was in zwölf Monaten im Mittel wiederkehrt.",
    "month": "Wiederkehrende Beträge, Monat {first}",
    "months": "Wiederkehrende Beträge, Monate {first} bis {last}",
    "amounts_in": "Beträge in {currency}, ohne Steuern.",
    "discounts": "Enthaltene Nachlässe",
    "discount_item": "Position {item}: {percent}",
    "discount_all": "Auf alle rabattfähigen Positionen: {percent}",
    "discount_given": "Sie sparen {amount} gegenüber dem Listenpreis.",
    "rate": "Umgerechnet zu {rate} vom {day}.",
    "terms": "Kaufmännische Bedingungen",
    "payment": "Zahlung",
    "delivery": "Lieferung",
    "warranty": "Gewährleistung",
    "incoterm": "Lieferbedingung",
    "notes": "Hinweise",
    "validity": "Gültigkeit",
    "page_x_of_y": "Seite {x} von {y}",
    "reference": "Referenz",
    "draft": "ENTWURF",
    "draft_note": "Entwurf zur Abstimmung. Kein verbindliches Angebot.",
    "yes": "ja",
    "no": "nein",
}

WORDS = {"de": GERMAN, "en": ENGLISH}


def words_of(language: str) -> dict[str, str]:
    """Return the words for a language tag such as `en`, `en-GB` or `de-AT`.

    Raises: UnknownLanguage.
    """
    words = WORDS.get(language.replace("_", "-").partition("-")[0].lower())
    if words is None:
        raise UnknownLanguage(
            f"there are no words in {language!r}; ask for one of {', '.join(WORDS)}, "
            "or have an admin add it to services/documents/domain/words.py",
            field="language",
            language=language,
            languages=list(WORDS),
        )
    return words


def charged(charge: str, words: Mapping[str, str]) -> str:
    """Return how a charge is called; a period without a name says its months."""
    return words.get(charge) or words["every_months"].format(months=months_of(charge))


def per_period(charge: str, words: Mapping[str, str]) -> str:
    """Return what stands behind an amount of the charge, as in `per quarter`."""
    found = words.get(f"per_{charge}")
    return words["per_months"].format(months=months_of(charge)) if found is None else found


def inside(text: str) -> str:
    """Return a text as it stands inside a sentence; its nouns keep their capitals."""
    return text[:1].lower() + text[1:]
