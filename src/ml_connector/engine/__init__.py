"""How records move. Knows no system and no flow by name."""
