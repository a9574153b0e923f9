"""A package, so that its houses are started once and end with its last test."""
