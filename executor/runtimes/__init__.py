"""What is needed to run functions of one language."""
