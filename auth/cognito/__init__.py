"""The Cognito JSON API: a codec over the flows, for unmodified AWS clients."""
