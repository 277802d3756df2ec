"""The servers Innoflyt stands on, one module each.

Each module says how its server is configured (`prepare`), run (`program`), known to be ready (`ready`, which
raises while it is not) and given what belongs to Innoflyt (`provision`, which may be repeated at will).
"""
