"""Container images: which one a runtime or a function runs in, where it comes from, how one is made offline."""
