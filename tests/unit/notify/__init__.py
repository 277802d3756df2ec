"""Pure parts of notify."""
