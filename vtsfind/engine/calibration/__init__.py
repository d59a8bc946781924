"""How often unrelated photos are taken for copies at which radius, measured on this library."""
