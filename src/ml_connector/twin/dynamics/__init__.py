"""The twin of Dynamics 365 Finance & Operations: its ``/data`` OData service over an invented world."""

from ml_connector.twin.dynamics.endpoints import ENDPOINTS
from ml_connector.twin.dynamics.machine import DynamicsMachine
from ml_connector.twin.dynamics.offers import SWITCHES

__all__ = ["ENDPOINTS", "SWITCHES", "DynamicsMachine"]
