"""HubSpot's CRM over its public API."""
