"""The hidden tests of the sets, one module each."""
