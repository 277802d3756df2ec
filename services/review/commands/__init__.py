"""One use case is one function is one transaction: lock, check, write, record."""
