"""The only place with SQL: one module per kind of row, one transaction per thing that must be true at once.

Open a ``database.Store``, enter ``store.write()`` or ``store.read()``, and hand the transaction to the
functions of the other modules. Each names the connection it works for; rows of two connections never meet.
"""
