"""The function's own module of this name."""

WHO = "the function's own"
