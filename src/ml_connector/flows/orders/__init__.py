"""Won deals of HubSpot become sales orders in Dynamics."""
