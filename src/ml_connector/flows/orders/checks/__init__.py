"""Looks that write nothing to F&O: what an open deal would wait for, and what no single deal can show."""
