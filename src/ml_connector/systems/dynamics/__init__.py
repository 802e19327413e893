"""Dynamics 365 Finance & Operations over its OData service."""
