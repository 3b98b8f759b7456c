"""How people and programs hear of alerts: channels, deliveries, and what holds them back."""
