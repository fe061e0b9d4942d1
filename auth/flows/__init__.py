"""Signing in and up, codes, second factors, passwords: one set of flows under all dialects. Run them on a lane."""
