"""The schema, revision by revision; ``store.schema`` runs them."""
