"""What `lockgate doctor` looks at, and what follows from what it finds."""
