"""The mapping language: which field goes where, and by which rule."""
