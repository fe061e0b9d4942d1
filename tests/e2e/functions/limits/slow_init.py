"""Needs longer to start than its function may run."""

import time

print("starting")
time.sleep(30)


def handler(_event, _context):
    return "never"
