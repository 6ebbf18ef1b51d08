"""The limits of what is read, in one place: a stranger's module must not fill the memory.

Each is far above what real modules have, or is a limit of the format or of TensorFlow itself; a
module beyond one is refused before it is read. Sizes are in bytes.
"""

# Protocol buffers end there (source: protobuf.dev/programming-guides/encoding, "Size limits").
MAX_GRAPH_BYTES = (1 << 31) - 1
# The parser of text takes about a second for each MiB.
MAX_GRAPH_TEXT_BYTES = 1 << 26
# tensorflow_hub writes two bytes: a format number, and no features.
MAX_MODULE_DEF_BYTES = 1 << 16

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
# TensorFlow aborts the process beyond these (source: tensorflow/core/framework/tensor_shape.h).
MAX_RANK = 254
MAX_ELEMENTS = (1 << 63) - 1

# The files of a module: real ones have about ten, one folder deep.
MAX_FILES = 10_000
MAX_FOLDER_DEPTH = 64
# Of Linux, macOS and Windows (source: NAME_MAX in limits.h).
MAX_NAME_BYTES = 255
# Of Linux, with the place where the module lies (source: PATH_MAX in linux/limits.h).
MAX_PATH_BYTES = 4096

# What the converter writes has a few MiB: records and reports.
MAX_JSON_BYTES = 1 << 28
