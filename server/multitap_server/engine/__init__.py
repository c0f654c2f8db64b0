"""The engine: rows of any mix of tasks in, head outputs out, in as few forward passes as fit."""
