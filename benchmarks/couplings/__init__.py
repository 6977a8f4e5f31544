"""Interactions and couplings whose exact values are known."""
