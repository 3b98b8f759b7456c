"""The express lane: requests that come by the thousand, answered without a web framework.

A connection begins here. Its requests to the routes that are marked `express` are parsed and
answered on the spot, by the same functions as behind the framework and byte for byte alike. At the
first other request the connection goes, with all that it has sent since its last answer, to the
server behind, and stays there.

Law: the lane takes a request only when nothing about it is unusual. It never guesses, it hands on.
"""
