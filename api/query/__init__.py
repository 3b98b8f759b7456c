"""What a question means: times, resolutions, buckets, aggregates, expressions, formats.

Law: everything here is pure. Nothing waits, reads a clock or knows HTTP; `now` is an argument, and
what the asker got wrong is raised as a `QueryError`.
"""
