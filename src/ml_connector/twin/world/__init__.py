"""The demo world: an invented distributor of industrial equipment, any size from a seed."""
