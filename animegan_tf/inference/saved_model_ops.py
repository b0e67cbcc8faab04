"""What a SavedModel may do: compute pictures, and touch no file."""

import itertools
from pathlib import Path

from animegan_tf.errors import InputError

# What networks of pictures and their signatures are made of. TensorFlow also has
# operations that read, write, list and print to any file, call Python or reach other
# machines; some are not marked as having effects, so that what is good is listed.
_COMPUTING = frozenset("""
    Abs Add AddN AddV2 All Any ArgMax ArgMin Assert AvgPool BatchMatMul
    BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd Bitcast BroadcastArgs
    BroadcastGradientArgs BroadcastTo Cast Ceil CheckNumerics ClipByValue Concat
    ConcatOffset ConcatV2 Const Conv2D Conv2DBackpropInput Cumprod Cumsum DecodeBmp
    DecodeGif DecodeImage DecodeJpeg DecodePng DepthToSpace DepthwiseConv2dNative
    Diag DiagPart Div DivNoNan Einsum Elu Empty EncodeJpeg EncodePng EnsureShape
    Equal Erf Exp ExpandDims Expm1 Fill Floor FloorDiv FloorMod FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual
    HistogramFixedWidth Identity IdentityN If InvertPermutation IsFinite IsInf IsNan
    L2Loss LeakyRelu Less LessEqual LinSpace Log Log1p LogicalAnd LogicalNot
    LogicalOr LogSoftmax MatMul MatrixBandPart MatrixDiag MatrixDiagPart
    MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiagV3 Max
    Maximum MaxPool MaxPoolV2 Mean Merge Min Minimum MirrorPad Mod Mul MulNoNan Neg
    NoOp NotEqual OneHot OnesLike Pack Pad PadV2 PartitionedCall Placeholder
    PlaceholderWithDefault Pow PreventGradient Prod Range Rank ReadVariableOp
    RealDiv Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor ReverseV2 Rint Roll Round Rsqrt ScaleAndTranslate Select
    SelectV2 Selu Shape ShapeN Sigmoid Sign Size Slice Softmax Softplus Softsign
    SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze
    StatefulPartitionedCall StatelessIf StatelessWhile StopGradient StridedSlice
    StringFormat StringLength Sub Substr Sum Switch Tanh TensorListConcatV2
    TensorListFromTensor TensorListGetItem TensorListLength TensorListReserve
    TensorListSetItem TensorListStack Tile TopKV2 Transpose TruncateDiv Unpack
    VarHandleOp VarIsInitializedOp Where While ZerosLike
    """.split())
# What the functions are made of that TensorFlow writes and restores variables with.
_SAVING = frozenset("""
    AssignVariableOp DisableCopyOnRead MergeV2Checkpoints RestoreV2 SaveV2
    ShardedFilename StaticRegexFullMatch StringJoin
    """.split())


def require_computing(path: Path) -> None:
    """Refuses a SavedModel that could do anything but compute.

    It is read as data, before TensorFlow takes any function of it.

    Args:
        path: folder of a SavedModel's version.

    Raises:
        InputError: an operation is in it that computes no picture, in another place
            than the functions for saving and restoring, or it is of another form than
            what `tf.saved_model.save` writes.
        OSError: it cannot be read.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    others = {p.name for p in path.glob("saved_model.*")} - {"saved_model.pb"}
    try:
        model = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise InputError(
            f"{path}: must be a SavedModel, received a saved_model.pb that is damaged."
        ) from error
    graphs = list(model.meta_graphs)
    # Of another form, TensorFlow runs what it holds while it loads it.
    if others or len(graphs) != 1 or not graphs[0].HasField("object_graph_def"):
        raise InputError(
            f"{path}: must be a SavedModel of TensorFlow 2 in one saved_model.pb, "
            f"received {len(graphs)} graphs and {', '.join(others) or 'no objects'}."
        )
    found = sorted(_operations(graphs[0]) - _COMPUTING)
    if found:
        raise InputError(
            f"{path}: a SavedModel must only compute, or be trusted (stylize.py "
            f"--trust), received the operations {', '.join(found[:8])}, which a "
            "generator of tools/export.py does not have."
        )


def _operations(graph):
    """Names of all operations, less those for saving where they belong."""
    savers = {
        name.removeprefix("^").partition(":")[0]
        for name in (graph.saver_def.save_tensor_name, graph.saver_def.restore_op_name)
    }
    saving, used, operations = set(), set(), set()
    for node in graph.graph_def.node:
        (saving if node.name in savers else used).update(_functions(node))
        operations.add(node.op)
    functions = graph.graph_def.library.function
    for function in functions:
        used.update(*map(_functions, function.node_def))
    used.update(gradient.gradient_func for gradient in graph.graph_def.library.gradient)
    used.update(graph.object_graph_def.concrete_functions)
    for function in functions:
        here = {node.op for node in function.node_def}
        if function.signature.name in saving - used:
            here -= _SAVING
        operations |= here
    return operations


def _functions(node):
    """Names of the functions that a node calls."""
    attributes = node.attr.values()
    listed = itertools.chain.from_iterable(a.list.func for a in attributes)
    return {a.func.name for a in attributes if a.HasField("func")} | {
        function.name for function in listed
    }
