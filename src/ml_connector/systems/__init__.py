"""The two sides. They never meet."""
