"""The guided page: what to sell, the questions, the price beside, into the quote."""

from services.configurator.pages.routing import routes

__all__ = ["routes"]
