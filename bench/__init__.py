"""Measurements: one file per question, one table. `python -m bench [question …]` runs them."""
