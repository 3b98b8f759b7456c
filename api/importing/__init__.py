"""What other systems have counted, and how it comes in: dumps, other servers, the jobs that read
them.

Law: readers are pure and see one file at a time; a file that is wrong is named and adds nothing. No
room of `api/` but `http` and `cli` looks in here.
"""
