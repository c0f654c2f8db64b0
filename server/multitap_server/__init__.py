"""The service: an engine that runs mixed batches, and the HTTP edge around it."""
