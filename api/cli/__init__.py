"""The command line: a client of the public API, and what an operator does beside the server.

Law: whatever goes wrong is one line that says what to do. Exit codes: 0 done, 1 it failed or found
a fault, 2 the command was not understood. Answers go to stdout, everything else to stderr.
"""
