import collections
import platform
import subprocess
import sys

import pytest
import tensorflow as tf

from converter import tf_private
from converter.passes.pipeline import PIPELINE
from converter.safety.op_table import TABLE_PATH, Kind, classify, read_table, read_versions

_VERSION = ".".join(tf.__version__.split(".")[:2])


def test_every_op_that_this_tensorflow_registers_is_classified(ops_of_tensorflow):
    missing = ops_of_tensorflow - read_table().keys()
    assert {op for op in missing if ">" not in op} == set(), "run scripts/list_unclassified_ops"


@pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64",
    reason="TensorFlow registers other internal ops on other machines",
)
def test_every_entry_is_an_op_of_a_supported_tensorflow(ops_of_tensorflow):
    unregistered = read_table().keys() - ops_of_tensorflow
    others = [ops for version, ops in read_versions().items() if version != _VERSION]
    elsewhere = frozenset().union(*others)
    assert unregistered <= elsewhere
    if _VERSION in read_versions():
        assert unregistered == elsewhere


def test_no_op_has_two_classes():
    lines = TABLE_PATH.read_text().partition("[[group]]")[2].splitlines()
    ops = [op for line in lines if line.startswith("  ") for op in line.split()]
    assert not [op for op, times in collections.Counter(ops).items() if times > 1]
    assert set(ops) == read_table().keys()


@pytest.mark.parametrize("kind", Kind)
def test_every_class_has_an_op(kind):
    known = {classification.kind for classification in read_table().values()}
    assert (kind in known) is (kind is not Kind.UNKNOWN)


# Each has been seen, or is known, to do this. The kernels are in tensorflow/core/kernels.
_EFFECTS = {
    Kind.READS_FILES: """
        ReadFile MatchingFiles RestoreV2 ImmutableConst LoadAndRemapMatrix GenerateVocabRemapping
        FixedUnigramCandidateSampler Skipgram RecordInput WholeFileReaderV2 LMDBDataset SqlDataset
        CSVDatasetV2 TextLineDataset TFRecordDataset DecodeProtoV2 EncodeProto
    """,
    Kind.WRITES_FILES: """
        DebugIdentity DebugIdentityV2 DebugIdentityV3 DebugNanCount DebugNumericSummaryV2 DumpTensor
        WriteFile SaveV2 MergeV2Checkpoints CacheDataset SnapshotDatasetV2 WriteScalarSummary
        CreateSummaryFileWriter CalibrationStatisticsSaver SaveDatasetV2
    """,
    Kind.NETWORK: "RpcClient DataServiceDatasetV4 CollectiveReduceV2 RemoteCall Send Recv",
    Kind.RUNS_CODE: "PyFunc PyFuncStateless EagerPyFunc XlaCallModule DatasetFromGraph",
    Kind.DENIAL_OF_SERVICE: "Abort QueueDequeueV2 BarrierTakeMany Unstage DecodeCompressed",
    Kind.INTERNAL: "_Send _Recv _Retval _MklConv2D ConfigureDistributedTPU",
}


@pytest.mark.parametrize(
    ("kind", "op"), [(kind, op) for kind, ops in _EFFECTS.items() for op in ops.split()]
)
def test_ops_with_effects_are_not_allowed(kind, op):
    assert classify(op).kind is kind
    assert not classify(op).kind.is_allowed


def test_words_for_files_servers_and_debugging_are_not_in_the_names_of_pure_ops():
    suspicious = ("Debug", "Dump", "File", "Reader", "Restore", "Save", "Write", "Rpc", "PyFunc")
    pure = {op for op, known in read_table().items() if known.kind is Kind.PURE}
    # They compute the name of a file as a string.
    assert {op for op in pure if any(word in op for word in suspicious)} == {
        "ShardedFilename", "ShardedFilespec",
    }  # fmt: skip


def test_no_pure_op_is_stateful():
    pure = {op for op, known in read_table().items() if known.kind is Kind.PURE}
    op_defs = [tf_private.get_op_def(op) for op in pure & tf_private.list_registered_ops()]
    assert [op_def.name for op_def in op_defs if op_def.is_stateful] == []


def test_what_takes_functions_is_not_pure():
    pure = {op for op, known in read_table().items() if known.kind is Kind.PURE}
    op_defs = [tf_private.get_op_def(op) for op in pure & tf_private.list_registered_ops()]
    assert [d.name for d in op_defs if any("func" in attr.type for attr in d.attr)] == []


def test_an_op_of_no_supported_tensorflow():
    assert classify("TFText>Anything").kind is Kind.UNKNOWN
    assert not Kind.UNKNOWN.is_allowed


def test_what_passes_remove_is_allowed_too_so_that_a_scan_says_nothing_of_it():
    removed = frozenset().union(*(step.removes for step in PIPELINE))
    registered = removed & read_table().keys()
    assert [op for op in registered if not classify(op).kind.is_allowed] == []


def test_the_table_is_read_without_tensorflow():
    program = (
        "import sys; from converter.safety.op_table import classify; classify('Abs');"
        " sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
