"""What Lambda calls: a package for each function.

A start loads hundreds of modules, whose objects stay for good. Python's collector would walk through them more than a
hundred times meanwhile (a tenth of the CPU time of a start, benchmarks/imports.py), so it looks less often. What it misses
for a while are a few megabytes of reference cycles.
"""

import gc

gc.set_threshold(50_000, 10, 10)
