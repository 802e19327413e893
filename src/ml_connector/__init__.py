"""Keeps Dynamics 365 Finance & Operations and HubSpot in step."""

__version__ = "0.1.0"
