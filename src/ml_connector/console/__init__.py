"""The web of the connector: the door for events; pages and the API will stand beside it."""
