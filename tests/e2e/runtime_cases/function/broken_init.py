"""Fails while it is imported."""

raise LookupError("no settings é")
