"""The deal as HubSpot tells it: found, read into one frozen snapshot, and asked what needs no look at F&O."""
