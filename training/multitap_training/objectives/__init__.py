"""What adapters learn, one module for each kind of head."""
