"""Imports a module that fails."""

import broken_init


def handler(_event, _context):
    return broken_init
