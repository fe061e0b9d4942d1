"""The login pages: forms over the flows, for people."""
