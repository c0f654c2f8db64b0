"""Folders of the `adapters` and `peft` libraries, read into adapter files and written back.

For people on their own machine: the server never imports this package. docs/import.md says what is
recognised. Facts about the formats are from `adapters` 1.3.0 and `peft` 0.21.2.
"""
