"""How adapters are made and measured."""
