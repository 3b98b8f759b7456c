"""Questions: each file has `measure()`, which returns the rows of its table."""
