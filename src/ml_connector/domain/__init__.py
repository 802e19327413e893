"""Values and pure rules: nothing here waits, opens or knows a system."""
