"""Where adapters live: tasks, immutable versions, aliases that move, and the bytes themselves."""
