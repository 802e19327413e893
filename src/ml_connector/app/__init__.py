"""The use cases, and the only room that builds long-lived objects and wires them."""
