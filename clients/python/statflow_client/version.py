"""Which release this is."""

from typing import Final

__version__ = "0.1.0"

AGENT: Final = f"statflow-client/{__version__}"
