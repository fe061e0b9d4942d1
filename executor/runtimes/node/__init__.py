"""Node.js: how it is found and started; `bootstrap.mjs` is what runs inside."""
