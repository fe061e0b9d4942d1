"""The JWT authorizer: signed tokens of one issuer, verified strictly. See README.md."""
