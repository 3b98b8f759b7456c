"""Which bodies a webhook may have, by name. Pure."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from api.notify.bodies.alertmanager import alertmanager_body
from api.notify.bodies.discord import discord_body
from api.notify.bodies.own import own_body
from api.notify.bodies.slack import slack_body
from api.notify.message import Message

BodyName = Literal["statflow", "alertmanager", "slack", "discord", "pagerduty"]

BODIES: Final[Mapping[str, Callable[[Message], object]]] = {
    "statflow": own_body,
    "alertmanager": alertmanager_body,
    "slack": slack_body,
    "discord": discord_body,
}
"""By name; what PagerDuty reads also needs the key of the service."""
