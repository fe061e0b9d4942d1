"""Who may call a route: tokens of an issuer (`jwt`), or a function that decides (`function`)."""
