"""One module for each schema, frozen once it was released: what it changed, and how to go back."""
