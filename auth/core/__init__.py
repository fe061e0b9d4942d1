"""What is decided without a clock, a database or the network."""
