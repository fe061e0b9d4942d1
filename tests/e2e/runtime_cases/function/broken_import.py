"""Imports what is not there."""

import no_such_module


def handler(_event, _context):
    return no_such_module
