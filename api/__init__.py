"""How the world gets in: HTTP, the command line, and the start of the program.

Each folder is a room of its own (`http`, `accounts`, `query`, `cli`, ...). Rooms share what they
need through plain modules, never through each other's routes; everything here may use `storage`
and `engine`, neither of which knows that this package exists.
"""
