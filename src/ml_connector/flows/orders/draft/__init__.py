"""The order before it is placed: what was resolved, what a person chose, and the draft written from both."""
