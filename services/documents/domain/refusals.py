"""Why a document can not be made, and who can move it."""

from typing import ClassVar, Literal

from contracts.errors import Refused


class DocumentRefused(Refused):
    """Base of refusals to print; `who_can_move_it` says whose turn it is."""

    code = "documents.refused"
    title = "The document can not be made"
    who_can_move_it: ClassVar[Literal["seller", "admin"]] = "admin"


class UnknownBrand(DocumentRefused):
    """The selling unit names a brand that the catalogue does not have."""

    code = "documents.unknown_brand"


class UnknownLanguage(DocumentRefused):
    """We have no words in the language that was asked for; no other one is taken silently."""

    code = "documents.unknown_language"


class UnknownZone(DocumentRefused):
    """The time zone is no IANA zone, so the end of validity can not be said."""

    code = "documents.unknown_zone"


class AmountTooFine(DocumentRefused):
    """A total is finer than its currency; the document never rounds."""

    code = "documents.amount_too_fine"


class ForeignCurrency(DocumentRefused):
    """An amount is in another currency than the offer."""

    code = "documents.foreign_currency"


class TooLong(DocumentRefused):
    """The offer has more rows than one document may have."""

    code = "documents.too_long"
    who_can_move_it = "seller"


class UnprintableText(DocumentRefused):
    """A text holds characters that the document's typeface does not have."""

    code = "documents.unprintable_text"
    who_can_move_it = "seller"


class TemplateFailed(DocumentRefused):
    """Template and page model do not fit each other: a fault of ours."""

    code = "documents.template_failed"


class RenderTooSlow(DocumentRefused):
    """The document was not ready before its deadline."""

    code = "documents.render_too_slow"
