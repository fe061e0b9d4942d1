"""Token buckets: how many requests a route, a stage or a caller may make."""
