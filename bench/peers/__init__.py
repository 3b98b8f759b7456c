"""Servers to compare with, one file each; `peer.py` says what such a file gives."""
