"""The order in F&O: written exactly once, read back, priced, and kept one when its deal moves on."""
