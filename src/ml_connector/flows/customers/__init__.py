"""Customers of Dynamics become companies in HubSpot."""
