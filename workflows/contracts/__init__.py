"""What workflows and services agree on: facts, activities, task kinds and ids. Stdlib and temporalio only."""
