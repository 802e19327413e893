"""The one way out to the network: a wall in front, strict reading behind.

This room knows HTTP and no system: what a status or a body means is told by the system's ``Judge``.
"""
