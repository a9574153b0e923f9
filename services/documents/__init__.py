"""Documents: the branded PDF of a quote, kept under its hash."""
