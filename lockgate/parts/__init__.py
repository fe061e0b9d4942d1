"""The server's parts, put together in one process by `lockgate.server` and each in its own by the processes here."""
