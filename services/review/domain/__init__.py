"""The rules of review, without I/O: states, instants, ranking."""
