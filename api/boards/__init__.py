"""Dashboards: what they are, where they are kept, who may look at them from outside."""
