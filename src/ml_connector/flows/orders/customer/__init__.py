"""Who buys: the legal entity, the account that orders and pays, and the form of one that does not exist yet."""
