"""What notify does: one function, one transaction."""
