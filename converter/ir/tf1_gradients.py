"""The names that the gradient registry of TensorFlow 1.15.5 knows, without `tf.contrib`.

An override of a gradient (`gradient_override_map`) names an entry of this registry, most often
another op: `{"Sign": "Identity"}`. Names that only a running process has registered, such as the
`CustomGradient-12` of `tf.custom_gradient`, are not here.

Source: `tensorflow.python.framework.ops._gradient_registry` after `import tensorflow`.
"""

from __future__ import annotations

# With a gradient function (`tf.RegisterGradient`).
DIFFERENTIABLE = frozenset(
    """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 AllToAll Angle ArgMax ArgMin Asin Asinh Atan
    Atan2 Atanh AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchMatMul BatchMatMulV2
    BatchNormWithGlobalNormalization BatchToSpace BatchToSpaceND BesselI0e BesselI1e Betainc
    BiasAdd BiasAddGrad BiasAddV1 BlockLSTM BlockLSTMV2 BroadcastTo CTCLoss Case Cast Ceil
    CheckNumerics Cholesky CollectivePermute Complex ComplexAbs Concat ConcatV2 Conj
    ConjugateTranspose Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D
    Conv3DBackpropFilterV2 Conv3DBackpropInputV2 Cos Cosh CropAndResize Cross CrossReplicaSum
    CudnnRNN CudnnRNNV2 CudnnRNNV3 Cumprod Cumsum CumulativeLogsumexp DepthToSpace
    DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter
    DepthwiseConv2dNativeBackpropInput Diag DiagPart Digamma Dilation2D Div DivNoNan
    DynamicPartition DynamicStitch EagerPyFunc Elu EluGrad EnsureShape Enter Erf Erfc Exit Exp
    ExpandDims Expm1 ExtractImagePatches ExtractVolumePatches FFT FFT2D FFT3D
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill
    Floor FloorDiv FloorMod FractionalAvgPool FractionalMaxPool FusedBatchNorm
    FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3 FusedBatchNormV2
    FusedBatchNormV3 Gather GatherNd GatherV2 IFFT IFFT2D IFFT3D IRFFT IRFFT2D Identity
    IdentityN If Igamma Igammac Imag Inv InvGrad L2Loss LRN LeakyRelu LeakyReluGrad Lgamma Log
    Log1p LogMatrixDeterminant LogSoftmax LoopCond MatMul MatrixBandPart MatrixDeterminant
    MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagV2 MatrixInverse MatrixSetDiag
    MatrixSetDiagV2 MatrixSolve MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Max
    MaxPool MaxPool3D MaxPool3DGrad MaxPool3DGradGrad MaxPoolGrad MaxPoolGradGrad
    MaxPoolGradV2 MaxPoolV2 MaxPoolWithArgmax Maximum Mean Merge Min Minimum MirrorPad
    MirrorPadGrad Mul MulNoNan NcclAllReduce NcclBroadcast NcclReduce Neg NextAfter
    NextIteration NthElement OptionalFromValue OptionalGetValue Pack Pad PadV2
    ParallelDynamicStitch PlaceholderWithDefault Polygamma Pow PreventGradient Print Prod Qr
    QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 RFFT RFFT2D RGBToHSV
    RaggedGather RaggedTensorToSparse RandomGamma ReadVariableOp Real RealDiv Reciprocal
    ReciprocalGrad RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSwitch Relu Relu6
    Relu6Grad ReluGrad Reshape ResizeBicubic ResizeBilinear ResizeNearestNeighbor
    ResourceGather ResourceGatherNd Reverse ReverseSequence ReverseV2 Rint Roll Round Rsqrt
    RsqrtGrad ScaleAndTranslate ScatterNd ScatterNdNonAliasingAdd SegmentMax SegmentMean
    SegmentMin SegmentSum Select SelectV2 SelfAdjointEigV2 Selu SeluGrad Sigmoid SigmoidGrad
    Sign Sin Sinh Slice Softmax SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign
    SpaceToBatch SpaceToBatchND SpaceToDepth SparseAdd SparseDenseCwiseAdd SparseDenseCwiseDiv
    SparseDenseCwiseMul SparseFillEmptyRows SparseMatMul SparseReduceSum SparseReorder
    SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN
    SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumWithNumSegments
    SparseSlice SparseSoftmax SparseSoftmaxCrossEntropyWithLogits SparseSparseMaximum
    SparseSparseMinimum SparseTensorDenseAdd SparseTensorDenseMatMul SparseToDense Split
    SplitV Sqrt SqrtGrad Square SquaredDifference Squeeze StatelessIf StridedSlice
    StridedSliceGrad Sub Sum Svd Switch TPUEmbeddingActivations Tan Tanh TanhGrad
    TensorArrayConcat TensorArrayConcatV2 TensorArrayConcatV3 TensorArrayGather
    TensorArrayGatherV2 TensorArrayGatherV3 TensorArrayRead TensorArrayReadV2
    TensorArrayReadV3 TensorArrayScatter TensorArrayScatterV2 TensorArrayScatterV3
    TensorArraySplit TensorArraySplitV2 TensorArraySplitV3 TensorArrayWrite TensorArrayWriteV2
    TensorArrayWriteV3 TensorListConcat TensorListConcatV2 TensorListFromTensor
    TensorListGather TensorListGetItem TensorListPopBack TensorListPushBack TensorListResize
    TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
    TensorListSplit TensorListStack TensorScatterAdd TensorScatterSub TensorScatterUpdate Tile
    TopK TopKV2 Transpose TridiagonalMatMul TridiagonalSolve TruncateDiv Unpack
    UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Xdivy
    XlaClusterOutput XlaEinsum Xlogy Zeta
    """.split()
)

# With none (`tf.NotDifferentiable`): gradients end there.
NOT_DIFFERENTIABLE = frozenset(
    """
    ApproximateEqual AsString Assert Assign AssignAdd AssignSub AudioMicrofrontend
    AudioSummary AudioSummaryV2 BitwiseAnd BitwiseOr BitwiseXor BroadcastGradientArgs
    CTCBeamSearchDecoder CTCGreedyDecoder ConcatOffset Const DecodeBase64 DecodePaddedRaw
    DecodeProtoV2 DecodeRaw DeleteSessionTensor DenseToDenseSetOperation
    DenseToSparseSetOperation DrawBoundingBoxes EditDistance EncodeBase64 EncodeProto Equal
    EuclideanNorm ExtractGlimpse FixedLengthRecordReader GenerateVocabRemapping
    GetSessionHandle GetSessionHandleV2 GetSessionTensor Greater GreaterEqual HSVToRGB
    HashTable HashTableV2 HistogramSummary IdentityReader ImageSummary InitializeTable
    InitializeTableFromTextFile InitializeTableFromTextFileV2 InitializeTableV2 Invert
    InvertPermutation LMDBReader LeftShift Less LessEqual LinSpace LoadAndRemapMatrix
    LogicalAnd LogicalNot LogicalOr LookupTableFind LookupTableFindV2 LookupTableInsert
    LookupTableInsertV2 LookupTableSize LookupTableSizeV2 MergeSummary Multinomial
    MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors
    MutableHashTableOfTensorsV2 MutableHashTableV2 NonMaxSuppression NonMaxSuppressionV2
    NonMaxSuppressionWithOverlaps NotEqual OneHot OnesLike ParameterizedTruncatedNormal
    ParseTensor PopulationCount PyFunc PyFuncStateless Queue QueueClose QueueDequeue
    QueueDequeueMany QueueDequeueUpTo QueueEnqueue QueueEnqueueMany QueueSize RaggedRange
    RaggedTensorToVariant RandomCrop RandomStandardNormal RandomUniform Range Rank
    ReaderNumRecordsProduced ReaderNumWorkUnitsCompleted ReaderRead ReaderReadUpTo ReaderReset
    ReaderRestoreState ReaderSerializeState ReduceDataset ReduceJoin RegexReplace RightShift
    SampleDistortedBoundingBox SampleDistortedBoundingBoxV2 ScalarSummary ScatterAdd
    ScatterDiv ScatterMul ScatterNdAdd ScatterNdDiv ScatterNdMul ScatterNdSub ScatterNdUpdate
    ScatterSub SdcaFprint SdcaOptimizer SdcaOptimizerV2 SdcaShrinkL1 SerializeTensor SetSize
    Shape ShapeN Size SparseAddGrad SparseConcat SparseToSparseSetOperation Stack StackClose
    StackPop StackPush StatelessMultinomial StatelessRandomNormal StatelessRandomUniform
    StatelessRandomUniformInt StatelessTruncatedNormal StopGradient StringJoin StringSplit
    StringToHashBucket StringToHashBucketFast StringToHashBucketStrong StringToNumber
    TFRecordReader TPUReplicatedInput TensorArray TensorArrayClose TensorArrayCloseV2
    TensorArrayCloseV3 TensorArrayGrad TensorArrayGradV2 TensorArrayGradV3
    TensorArrayGradWithShape TensorArraySize TensorArraySizeV2 TensorArraySizeV3 TensorArrayV2
    TensorArrayV3 TensorListConcatLists TensorListElementShape TensorListLength
    TensorListPushBackBatch TensorSummary TensorSummaryV2 TextLineReader Timestamp
    TruncatedNormal VarIsInitializedOp VariableShape WholeFileReader ZerosLike
    """.split()
)
