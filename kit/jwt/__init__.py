"""Signed tokens of an issuer, verified strictly: pure steps, given a key and the time. See README.md."""
