"""A package of the function's."""
