"""Cases as written → cases as asked: templates filled, data read, ids made (suites.md 5 to 7)."""
