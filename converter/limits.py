"""The limits of what a module may ask of the machine that reads and converts it, in one place.

Each is far above what exporters write, or is one of a format or of TensorFlow itself. They keep a
small file from costing much more than its size, before anything expensive begins; a module beyond
one is refused. What takes time or memory in proportion to the files of a module has no limit here:
`--timeout-secs` and `--memory-limit-gib` bound a whole command.

Sizes are in bytes. Fixtures are the modules of the tests, which real TensorFlow 1.15 wrote.
"""

from __future__ import annotations

MIB = 1 << 20

# Files. Their sizes are looked at before they are read.

# The files of a module: real ones have about ten, one folder deep.
MAX_FILES = 10_000
MAX_FOLDER_DEPTH = 64
# Of Linux, macOS and Windows (source: NAME_MAX in limits.h).
MAX_FILE_NAME_BYTES = 255
# Of Linux, with the place where the module lies (source: PATH_MAX in linux/limits.h).
MAX_PATH_BYTES = 4096
# Protocol buffers end there (source: protobuf.dev/programming-guides/encoding, "Size limits").
MAX_GRAPH_BYTES = (1 << 31) - 1
# The parser of text takes about a second for each MiB.
MAX_GRAPH_TEXT_BYTES = 1 << 26
# tensorflow_hub writes two bytes: a format number, and no features.
MAX_MODULE_DEF_BYTES = 1 << 16
# The configurations of Keras layers, about a kilobyte each, which are parsed as JSON.
MAX_KERAS_METADATA_BYTES = 1 << 26
# What the converter itself writes has a few MiB: records, reports and answers of its processes.
MAX_JSON_BYTES = 1 << 28

# Archives. What is beyond a limit may be unpacked by hand, and its directory be converted.

# Of all that is unpacked; the largest modules of TF Hub have some 4 GB.
MAX_UNPACKED_BYTES = 1 << 36
# What a small archive may unpack to, and how many times its own size a large one: deflate makes a
# thousand bytes of one. Trained weights compress by a tenth; text, by four fifths.
MAX_UNPACKED_SMALL_BYTES = 256 * MIB
MAX_UNPACKED_RATIO = 100
# Of names and attributes of one member of a `.tar`, and of all members of a `.zip`; they are read
# into memory. The names of ten files take a kilobyte.
MAX_MEMBER_HEADER_BYTES = 1 << 20
MAX_ZIP_DIRECTORY_BYTES = 1 << 22

# Downloads. They may have as many bytes as an archive may unpack to.

# As browsers, curl and Python follow them.
MAX_REDIRECTS = 10
# What a download leaves free on the disk, since a server need not say how much it sends.
MIN_FREE_BYTES = 256 * MIB

# Checkpoints.

# About 50 bytes for each variable: the indexes of BERT and of Inception have some 20 KiB.
MAX_INDEX_BYTES = 1 << 24
# TensorFlow compresses none. Those of others, decompressed, may be as large as one that is not.
MAX_DECOMPRESSED_INDEX_BYTES = MAX_INDEX_BYTES
# Tensors and slices of them. TF1 needs hours to build a graph of so many variables.
MAX_INDEX_ITEMS = 100_000
# Prefix compression lets a small index stand for very long keys; this is their total.
MAX_INDEX_KEY_BYTES = 1 << 26
# One tensor's description: a hundred bytes, and twenty for each slice that it is stored in.
MAX_INDEX_VALUE_BYTES = 1 << 20
# The keys and values of a model's lookup tables, which become constants of its graphs: protocol
# buffers end at eight times as much.
MAX_STORED_TABLES_BYTES = 256 * MIB
# Names of data files have five digits (source: `DataFilename` in tensor_bundle/naming.cc).
MAX_SHARDS = 99_999
# TensorFlow aborts the process beyond these (source: tensorflow/core/framework/tensor_shape.h).
MAX_RANK = 254
MAX_ELEMENTS = (1 << 63) - 1

# Graphs.

# Of one graph variant, each of which is lowered and traced apart. Fixtures reach 13.
MAX_SIGNATURES = 1000
# Of nodes, functions, signatures, inputs and outputs. Names are searched by regular expressions,
# become names of files, and are printed. Fixtures reach 300.
MAX_NAME_BYTES = 4096
# That one input or output of an op stands for, such as those of Split. A few bytes can say that
# there are billions.
MAX_TENSORS = 1 << 16
# After inlining. BERT-Large has 15,000. Each takes about a kilobyte, many times in a conversion.
MAX_NODES = 1_000_000
# What inlining may make of a small module, and how many times as much as a large one stores, in its
# graph and its functions together. Fixtures reach 1.7 times.
MAX_INLINED_NODES = 20_000
MAX_INLINED_NODES_RATIO = 100
# The same for loops and branches, each of which takes as long as a hundred nodes; a call that keeps
# its own gradient counts as ten.
MAX_INLINED_REGIONS = 1000
MAX_INLINED_REGIONS_RATIO = 10
# Of all nodes of a graph after inlining: each call adds its own name to those of its body.
MAX_INLINED_NAME_BYTES = 256 * MIB
# Of calls inside of calls, which are inlined by recursion. Fixtures reach 3.
MAX_CALL_DEPTH = 100
# Of loops and branches inside of each other, which are traced by recursion too. Fixtures reach 4.
MAX_REGION_DEPTH = 50
# Of what TensorFlow may compute from constants while it imports one graph, unless the module stores
# more itself: see `safety/bounds.py`. Fixtures take 384 bytes at most.
MAX_COMPUTED_CONSTANTS_BYTES = 256 * MIB
# A module with large weights in its graph may compute this many times their size: casts and
# transposes of them, for example.
MAX_COMPUTED_CONSTANTS_RATIO = 4

# Graphs that others hold as bytes: TensorFlow writes one for each data set that is passed to
# another process.
MAX_NESTED_GRAPHS = 1000
MAX_NESTED_GRAPH_DEPTH = 10
# Of all together, for each byte of the SavedModel: one constant may be the graph of many nodes.
MAX_NESTED_GRAPHS_RATIO = 4
