"""Which record of Dynamics is which record of HubSpot: pure rules over values, no reading, no writing.

``names`` makes names comparable, ``companies``, ``people`` and ``products`` hold the rules of each kind, and
``deciding`` keeps what only one answer fits and sends the rest to a person.
"""
