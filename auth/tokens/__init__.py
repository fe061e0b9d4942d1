"""Keys of the pools, tokens signed with them, and the judgement of our own tokens."""
