"""Getting the servers onto this machine: each once per version, into a cache outside the clone."""
