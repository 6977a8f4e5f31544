"""Plotly figures: numbers in, figure out."""
