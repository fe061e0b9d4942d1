"""The Lambda authorizer: a function decides. See README.md."""
