"""The process above all others of `lockgate serve --workers`: it starts them, starts them again, and ends them.

It speaks no HTTP, holds no state but who runs, and imports next to nothing: what is below may fail, it may not.
"""
