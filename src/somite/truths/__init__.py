"""Networks whose modules are known, to compare methods on."""
