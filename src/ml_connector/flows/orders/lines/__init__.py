"""What is bought: each line to an item that may be sold, its unit, its place and its exact amounts."""
