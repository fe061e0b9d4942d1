"""Issuers: discovery and key sets, fetched in the background, kept while the issuer is away. See README.md."""
