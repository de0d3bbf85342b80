"""How a `Wire` becomes an `Answer`: live, from a cassette, or both while recording."""
