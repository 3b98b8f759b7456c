"""The streaming aggregation engine: what happens to a point.

A *point* is one measurement of one *stat*. Points travel as columns (`Points`), are appended
to the *log* of a *partition* and only then acknowledged. A partition reads its log in order and
takes *turns*: it folds what it read into *partials* (10 s buckets that only add up) and into the
*window table* (the open buckets of every active stat). A *checkpoint* commits the partials and the
log position in one atomic, fenced step. The *fold* merges committed partials into *chunks* per stat
and *tier*. A *reading* is chunks plus the partials that no chunk has absorbed yet. Whoever wants to
see a stat move *watches* it: its actor wakes once a turn and publishes absolute buckets.

Law: nothing here knows HTTP or a database, reads a clock, draws a random number or opens a socket.
Time arrives as an argument, storage through `engine.ports`.
"""
