"""Pure part of documents: from an ask to the model of the printed pages."""
