"""Released products of Dynamics become products in HubSpot."""
