"""The HubSpot twin: one portal behind the CRM API, in the versions 2026-03, 2026-09 and v3/v4.

``machine`` is the door; ``endpoints`` the table of endpoints, ``routing`` the way to them; ``portal`` the state
and how it changes; ``store`` the records; ``schema`` the property definitions and the checks they compile to;
``oauth`` the app's tokens; ``rep`` the person who sells.
"""

from ml_connector.twin.hubspot.machine import HubSpotMachine
from ml_connector.twin.hubspot.oauth import AppAccess, OAuthApp
from ml_connector.twin.hubspot.settings import SWITCHES, Settings

__all__ = ["SWITCHES", "AppAccess", "HubSpotMachine", "OAuthApp", "Settings"]
