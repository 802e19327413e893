"""Offline twins of Entra ID, Dynamics 365 F&O and HubSpot.

A twin is a **machine** (plain, synchronous, instant: one request in, one answer out, its state in memory)
inside a **shell** (asynchronous: latency, faults, late commits, the log of writes). The HTTP servers are thin:
the simulation calls the same shells without sockets. Nothing here imports the product.
"""
