"""What clients can ask for, one module a topic; `auth.cognito.catalog` puts them together."""
