"""Explain: what the gateway would do with a request, step by step and in words, without doing it. See README.md."""
