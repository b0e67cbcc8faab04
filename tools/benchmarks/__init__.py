"""The tables of tools/benchmark.py, a module each."""
