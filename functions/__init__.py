"""What Lambda calls: a package for each function.

A start loads hundreds of modules, whose objects stay for good. Python's collector would walk through them more than a
hundred times meanwhile (a seventh of the CPU time of a start, benchmarks/imports.py), so it waits until all is loaded. What
it misses for a while are some megabytes of reference cycles.
"""

import gc

gc.set_threshold(100_000, 10, 10)
