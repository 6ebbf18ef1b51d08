"""The limits of what a module may ask of the machine that converts it.

Each is far above what exporters write. They keep a small file from costing much more than its size,
before anything expensive begins. What takes time or memory in proportion to the files of a module
has no limit here: `--timeout-secs` and `--memory-limit-gib` bound the whole conversion. Fixtures
are the modules of the tests, which real TensorFlow 1.15 wrote.
"""

from __future__ import annotations

MIB = 1 << 20

# Of what TensorFlow may compute from constants while it imports one graph, unless the module stores
# more itself: see `safety/bounds.py`. Fixtures take 384 bytes at most.
COMPUTED_CONSTANTS_BYTES = 256 * MIB
# A module with large weights in its graph may compute this many times their size: casts and
# transposes of them, for example.
COMPUTED_CONSTANTS_RATIO = 4

# After inlining. BERT-Large has 15,000. Each takes about a kilobyte, many times in a conversion.
NODES = 1_000_000
# Of all nodes of a graph after inlining: each call adds its own name to those of its body.
INLINED_NAME_BYTES = 256 * MIB
# Of calls inside of calls, which are inlined by recursion. Fixtures reach 3.
CALL_DEPTH = 100
# Of loops and branches inside of each other, which are traced by recursion too. Fixtures reach 4.
REGION_DEPTH = 50
# That one input or output of an op stands for, such as those of Split. A few bytes can say that
# there are billions.
TENSORS = 1 << 16
# Of one graph variant, each of which is lowered and traced apart. Fixtures reach 13.
SIGNATURES = 1000
# Of nodes, functions, signatures, inputs and outputs, in bytes. Names are searched by regular
# expressions, become names of files, and are printed. Fixtures reach 300.
NAME_BYTES = 4096
