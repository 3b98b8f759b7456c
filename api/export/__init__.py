"""A whole account as open files, as docs/export.md describes them.

Law: however large the account, one block of buckets is in memory at a time, and of every stat its
line in the directory of the zip. A file that broke off cannot be taken for a whole one.
"""
