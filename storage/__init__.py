"""Where log, partials and history are kept: a Redis or Valkey server, or memory.

Imports the engine and implements its ports; knows nothing of HTTP. Both stores pass one contract.
"""
