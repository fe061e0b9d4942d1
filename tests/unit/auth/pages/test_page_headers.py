"""What a page itself says to the browser, whatever is put in front of it."""

from auth.pages.page import page_headers


def test_a_page_keeps_browsers_from_doing_harm_by_itself() -> None:
    """B4, A15: no frame, no guessed type, no address told to others, nothing kept."""
    headers = page_headers("https://app.example/callback?x=1")
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self' https://app.example",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
