"""Ops that TensorFlow itself does not register: the packages that do, and what users can do."""

from __future__ import annotations

from collections.abc import Mapping

from converter import errors

# Ops that only tf.contrib registered, which left TensorFlow with version 2.0. Source: the registry
# of TensorFlow 1.15.5 after importing all of contrib, less those of plain TensorFlow 1.15.5 and
# 2.21; and which package's wrappers (`gen_*.py`) name each op.
_CONTRIB: Mapping[str, str] = {
    "bigtable": """
        BigtableClient BigtableLookupDataset BigtablePrefixKeyDataset
        BigtableRangeKeyDataset BigtableSampleKeyPairsDataset BigtableSampleKeysDataset
        BigtableScanDataset BigtableTable DatasetToBigtable
    """,
    "boosted_trees": """
        BucketizeWithInputBoundaries BuildCategoricalEqualitySplits
        BuildDenseInequalitySplits BuildSparseInequalitySplits CenterTreeEnsembleBias
        CreateQuantileAccumulator CreateStatsAccumulatorScalar CreateStatsAccumulatorTensor
        CreateTreeEnsembleVariable DecisionTreeEnsembleResourceHandleOp
        GradientTreesPartitionExamples GradientTreesPrediction
        GradientTreesPredictionVerbose GrowTreeEnsemble MakeQuantileSummaries
        QuantileAccumulatorAddSummaries QuantileAccumulatorDeserialize
        QuantileAccumulatorFlush QuantileAccumulatorFlushSummary
        QuantileAccumulatorGetBuckets QuantileAccumulatorIsInitialized
        QuantileAccumulatorSerialize QuantileBuckets QuantileStreamResourceHandleOp
        Quantiles StatsAccumulatorScalarAdd StatsAccumulatorScalarDeserialize
        StatsAccumulatorScalarFlush StatsAccumulatorScalarIsInitialized
        StatsAccumulatorScalarMakeSummary StatsAccumulatorScalarResourceHandleOp
        StatsAccumulatorScalarSerialize StatsAccumulatorTensorAdd
        StatsAccumulatorTensorDeserialize StatsAccumulatorTensorFlush
        StatsAccumulatorTensorIsInitialized StatsAccumulatorTensorMakeSummary
        StatsAccumulatorTensorResourceHandleOp StatsAccumulatorTensorSerialize
        TreeEnsembleDeserialize TreeEnsembleIsInitializedOp TreeEnsembleSerialize
        TreeEnsembleStampToken TreeEnsembleStats TreeEnsembleUsedHandlers
    """,
    "factorization": "MaskedMatmul WALSComputePartialLhsAndRhs",
    "ffmpeg": "DecodeAudio DecodeAudioV2 DecodeVideo EncodeAudio EncodeAudioV2",
    "framework": "ZeroInitializer ZeroVarInitializer",
    "fused_conv": "FusedConv2DBiasActivation",
    "hadoop": "SequenceFileDataset",
    "ignite": "IgniteDataset",
    "image": """
        AdjustHsvInYiq BipartiteMatch ImageConnectedComponents ImageProjectiveTransform
        SingleImageRandomDotStereograms
    """,
    "input_pipeline": "ObtainNext",
    "kafka": "KafkaDataset",
    "kinesis": "KinesisDataset",
    "layers": "SparseFeatureCross SparseFeatureCrossV2",
    "libsvm": "DecodeLibsvm",
    "memory_stats": "BytesInUse BytesLimit MaxBytesInUse",
    "nearest_neighbor": "HyperplaneLSHProbes",
    "periodic_resample": "PeriodicResample PeriodicResampleOpGrad",
    "reduce_slice_ops": "ReduceSliceMax ReduceSliceMin ReduceSliceProd ReduceSliceSum",
    "resampler": "Resampler ResamplerGrad",
    "seq2seq": "GatherTree",
    "tensor_forest": """
        CreateFertileStatsVariable CreateTreeVariable DecisionTreeResourceHandleOp
        FeatureUsageCounts FertileStatsDeserialize FertileStatsIsInitializedOp
        FertileStatsResourceHandleOp FertileStatsSerialize FinalizeTree GrowTreeV4
        ProcessInputV4 ReinterpretStringToFloat ScatterAddNdim TraverseTreeV4
        TreeDeserialize TreeIsInitializedOp TreePredictionsV4 TreeSerialize TreeSize
        UpdateModelV4
    """,
    "text": "SkipGramGenerateCandidates",
}
CONTRIB_PACKAGES: Mapping[str, str] = {
    op: f"tf.contrib.{package}" for package, ops in _CONTRIB.items() for op in ops.split()
}

# Ops of plain TensorFlow 1.15.5 that 2.21 lacks, except those that only gradients on TPUs use.
_REMOVED_OPS_NAMES = """
    BigQueryReader CompareAndBitpack GcsConfigureBlockCache GcsConfigureCredentials
    GenerateBigQueryReaderPartitions RemoteFusedGraphExecute Rpc TensorForestCreateTreeVariable
    TensorForestTreeDeserialize TensorForestTreeIsInitializedOp TensorForestTreePredict
    TensorForestTreeResourceHandleOp TensorForestTreeSerialize TensorForestTreeSize TryRpc
"""
REMOVED_OPS = frozenset(_REMOVED_OPS_NAMES.split())

# Source: the libraries in the wheel of tensorflow_text 2.18.1.
_TENSORFLOW_TEXT_NAMES = """
    CaseFoldUTF8 ConstrainedSequence FastBertNormalize FastWordpieceTokenizeWithOffsets
    FindSourceOffsets MaxSpanningTree NormalizeUTF8 NormalizeUTF8WithOffsetsMap PhraseTokenize
    RegexSplitWithOffsets RougeL SentenceFragments SentenceFragmentsV2 SentencepieceDetokenizeOp
    SentencepieceIdToStringOp SentencepieceOp SentencepieceStringToIdOp SentencepieceTokenizeOp
    SentencepieceTokenizeWithOffsetsOp SentencepieceVocabSizeOp SplitMergeTokenizeWithOffsets
    TokenizerFromLogits UnicodeScriptTokenizeWithOffsets WhitespaceTokenizeWithOffsets
    WordpieceTokenizeWithOffsets
"""
_TENSORFLOW_TEXT = frozenset(_TENSORFLOW_TEXT_NAMES.split())
# Of the first universal sentence encoders in several languages; no release is for TensorFlow 2.3
# or later. Source: tensorflow/tf_sentencepiece of google/sentencepiece.
_TF_SENTENCEPIECE_NAMES = """
    SentencepieceDecode SentencepieceEncodeDense SentencepieceEncodeSparse
    SentencepieceGetPieceSize SentencepieceGetPieceType SentencepieceIdToPiece
    SentencepiecePieceToId
"""
_TF_SENTENCEPIECE = frozenset(_TF_SENTENCEPIECE_NAMES.split())
_PREFIXES = {
    "DecodeProtoSparse": "struct2tensor",
    "EquiJoin": "struct2tensor",
    "IO>": "tensorflow_io",
    "SimpleML": "tensorflow_decision_forests",
    "TFRA>": "tensorflow_recommenders_addons",
    "TFText>": "tensorflow_text",
}
_WITHOUT = "Export the module without this op, or compute its outputs outside the module."


def suggest_package(op: str) -> str | None:
    """Returns the package that registers `op` for today's TensorFlow, or None."""
    if op in _TENSORFLOW_TEXT:
        return "tensorflow_text"
    return next((name for prefix, name in _PREFIXES.items() if op.startswith(prefix)), None)


def unregistered_op_error(op: str, node: str) -> errors.UnsupportedOpError:
    """The error for an op that the running TensorFlow does not know."""
    gone = _where_it_was(op)
    if gone:
        return errors.UnsupportedOpError(f"op {op!r} {gone}", node=node, remedy=_WITHOUT)
    package = suggest_package(op)
    hint = f"It comes with {package}: install it and" if package else "If a package adds it,"
    return errors.UnsupportedOpError(
        f"op {op!r} is not registered in this TensorFlow",
        node=node,
        remedy=f"{hint} pass --import-ops {package or 'PACKAGE'}.",
    )


def _where_it_was(op: str) -> str | None:
    """Describes where an op used to be that no package has for today's TensorFlow, or None."""
    if op in CONTRIB_PACKAGES:
        return f"belongs to {CONTRIB_PACKAGES[op]}, which TensorFlow 2 does not have"
    if op in REMOVED_OPS:
        return "belongs to TensorFlow 1, and this TensorFlow no longer has it"
    if op in _TF_SENTENCEPIECE:
        return "belongs to tf_sentencepiece, which has no release for this TensorFlow"
    if op.startswith("Addons>"):
        return "belongs to tensorflow_addons, whose last release is for TensorFlow 2.15"
    return None
