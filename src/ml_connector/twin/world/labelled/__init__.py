"""Labelled sets: customers of F&O and companies of HubSpot made from one truth, each side with its own blemishes.

They measure how well records are told to be the same; nothing of the product is known here. ``countries`` holds the
tables, ``truth`` invents the firms, ``blemishes`` is what people do to names and addresses over the years, and ``sets``
writes both sides down.
"""
