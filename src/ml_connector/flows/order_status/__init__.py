"""What became of placed orders in Dynamics is shown on their deals in HubSpot."""
