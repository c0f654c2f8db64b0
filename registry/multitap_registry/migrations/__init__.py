"""How every schema became the next: Alembic's environment and its steps."""
