"""What moves. One folder a flow; flows are strangers to each other."""
