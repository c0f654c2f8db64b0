"""What stands around every request, each guard a pure ASGI middleware."""
