"""A module of the function's that imports another by the name of nothing of the server's."""

import auth


def handler(_event, _context):
    return auth.WHO
