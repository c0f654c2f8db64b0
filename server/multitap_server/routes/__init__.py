"""Routes, one module per noun: from a request to a call of the service, and back. No logic."""
