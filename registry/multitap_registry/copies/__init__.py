"""Copies of what a registry holds: backups, which are registries themselves, and folders of a task.

They are made while a server serves, and are whole or not there.
"""
