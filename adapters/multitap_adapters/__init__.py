"""What an adapter is: its specification, its file, and its mathematics."""
