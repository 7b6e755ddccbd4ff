"""Measures what a request costs: `make bench`, or `python -m benchmarks --help`. The project imports nothing of it."""
