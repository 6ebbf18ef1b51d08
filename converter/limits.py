"""The limits of what a module may ask of the machine that converts it.

Each is far above what exporters write. They keep a small file from costing much more than its size,
before anything expensive begins. What takes time or memory in proportion to the files of a module
has no limit here: `--timeout-secs` and `--memory-limit-gib` bound the whole conversion.
"""

from __future__ import annotations

MIB = 1 << 20

# Of what TensorFlow may compute from constants while it imports one graph, unless the module stores
# more itself: see `safety/bounds.py`. The modules that
# real TensorFlow 1.15 wrote for the tests take 384 bytes at most.
COMPUTED_CONSTANTS_BYTES = 256 * MIB
# A module with large weights in its graph may compute this many times their size: casts and
# transposes of them, for example.
COMPUTED_CONSTANTS_RATIO = 4

# After inlining. BERT-Large has 15,000. Each takes about a kilobyte, many times in a conversion.
NODES = 1_000_000
# Of calls inside of calls, which are inlined by recursion. Libraries of exporters reach 5.
CALL_DEPTH = 100
# Of loops and branches inside of each other. TensorFlow traces them by recursion too, with about 20
# of Python's 1,000 frames for each. Modules reach 4.
REGION_DEPTH = 30
# Of one node. A number attribute of a few bytes decides it for ops such as Split and Unpack.
OUTPUTS = 1 << 16
# Of one graph variant, each of which is lowered and traced apart. TF1 Hub's modules reach 40.
SIGNATURES = 1000
# Of nodes, functions, signatures, inputs and outputs, in bytes. Names are searched by regular
# expressions, become names of files, and are printed. Nested scopes reach 400.
NAME_BYTES = 4096
