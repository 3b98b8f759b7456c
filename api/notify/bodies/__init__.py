"""Bodies of webhooks: our own, and those that other systems understand. Every one is pure."""
