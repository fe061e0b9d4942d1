"""Ruby functions: our bootstrap, and how it is started."""
