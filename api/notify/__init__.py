"""How people and programs hear from the server."""
