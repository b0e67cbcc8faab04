"""Pieces of the HTML reports: texts, tables, pictures and drawings in one file each."""
