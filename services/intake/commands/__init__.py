"""One function per use case: lock the row, check the rule, write, and `record` last. None of them commits."""
