"""Notify against a real database, with a relay of the tests own."""
