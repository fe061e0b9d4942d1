"""One file a grant: Authlib's grant class over our store."""
