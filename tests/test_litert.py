"""LiteRT files compute what the Keras model does, and suit phones."""

import functools
from collections import Counter

import flatbuffers
import numpy as np
import pytest
from flatbuffers.table import Table
from helpers import photo, random_generator
from skimage.data import astronaut
from tensorflow.lite.python import schema_py_generated as schema

from animegan_tf.errors import InputError
from animegan_tf.export import ModelCard, export_litert, litert
from animegan_tf.export.graph import PixelAttention, SlicePad2D
from animegan_tf.layers import ExternalAttention, ReflectPad2D
from animegan_tf.models import as_float32, main_tail
from animegan_tf.ops import to_float, to_uint8

# Files of full width: precision, size, and how large they may be.
FULL = {"float32": (256, 4.35), "float16": (512, 2.25), "dynamic": (384, 1.2)}
# With random weights, whose pictures are noisier than trained ones.
PSNR = {"float32": 80, "float16": 50, "dynamic": 35}
# Of files with a size and floats. LiteRT's GPU accelerator took all of them, see
# docs/export.md; TensorFlow's analyzer, since 2.19, calls any operator compatible.
OPERATORS = set(
    "ADD CONCATENATION CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV EXP LEAKY_RELU MEAN MUL "
    "REDUCE_MAX RESIZE_BILINEAR RSQRT SQRT SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM "
    "TANH".split()
)
OPERATORS_OF_ANY_SIZE = {"SHAPE", "SLICE"}
OPERATORS_OF_UINT8 = {"CAST", "MINIMUM", "RELU", "ROUND"}
# What XNNPACK leaves to LiteRT: the ends of uint8 files, and resizing to a size that
# is not known beforehand.
LEFT_OF_UINT8 = {"CAST": 2}
LEFT_OF_ANY_SIZE = {"SHAPE": 3, "SLICE": 3, "MUL": 3, "RESIZE_BILINEAR": 3}
CARD = ModelCard("Ada Lovelace", "CC-BY-4.0, § 3", "1.2")


@pytest.fixture(scope="module")
def small():
    return random_generator(4)


@pytest.fixture(scope="module")
def written(small, tmp_path_factory):
    """Files of a narrow generator, each written once."""
    folder = tmp_path_factory.mktemp("litert")

    @functools.cache
    def written(precision="float32", size=None, io="float"):
        path = folder / f"{precision}-{size}-{io}.tflite"
        return export_litert(small, path, precision, size, io, CARD)

    return written


def face(size):
    """A square picture, uint8 RGB."""
    return astronaut()[:size, -size:]


def interpreter(path, **options):
    runtime = pytest.importorskip("ai_edge_litert.interpreter")
    return runtime.Interpreter(str(path), num_threads=2, **options)


def run_litert(runner, image):
    """Output of a file for one picture, after resizing its input."""
    (source,), (target,) = runner.get_input_details(), runner.get_output_details()
    runner.resize_tensor_input(source["index"], image.shape)
    runner.allocate_tensors()
    runner.set_tensor(source["index"], image)
    runner.invoke()
    return runner.get_tensor(target["index"])


def operators(path):
    runtime = pytest.importorskip("ai_edge_litert.interpreter")
    plain = runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    runner = interpreter(path, experimental_op_resolver_type=plain)
    assert all(len(x["shape"]) <= 4 for x in runner.get_tensor_details())
    return {operator["op_name"] for operator in runner._get_ops_details()}


def xnnpack(path):
    """Number of partitions that XNNPACK runs, and the operators outside of them."""
    runner = interpreter(path)
    (source,) = runner.get_input_details()
    if -1 in source["shape_signature"]:
        runner.resize_tensor_input(source["index"], (1, 64, 48, 3))
    runner.allocate_tensors()
    operators = runner._get_ops_details()
    partitions = [op for op in operators if op["op_name"] == "DELEGATE"]
    own = [op for op in operators if op["op_name"] != "DELEGATE"]
    makers = {int(tensor): op for op in own for tensor in op["outputs"]}
    inside = set()
    for partition in partitions:
        # All that leads from its inputs to its outputs.
        inputs = {int(tensor) for tensor in partition["inputs"]}
        tensors = [int(tensor) for tensor in partition["outputs"]]
        while tensors:
            tensor = tensors.pop()
            if tensor in makers and tensor not in inputs:
                maker = makers[tensor]
                if maker["index"] not in inside:
                    inside.add(maker["index"])
                    tensors += [int(tensor) for tensor in maker["inputs"]]
    left = Counter(op["op_name"] for op in own if op["index"] not in inside)
    return len(partitions), left


@pytest.fixture(scope="module")
def generator():
    return random_generator(32)


@pytest.fixture(scope="module", params=FULL)
def full(request, generator, tmp_path_factory):
    """Precision and a file of full width with a size, for floats."""
    path = tmp_path_factory.mktemp("full") / "g.tflite"
    size = FULL[request.param][0]
    return request.param, export_litert(generator, path, request.param, size)


@pytest.mark.slow
def test_a_full_width_file_is_small_and_right(generator, full):
    precision, path = full
    size, megabytes = FULL[precision]
    assert path.stat().st_size <= megabytes * 1e6
    image = np.asarray(to_float(face(size)[None]))
    expected = np.asarray(main_tail(generator)(image))
    error = run_litert(interpreter(path), image) - expected
    assert 10 * np.log10(4 / np.mean(np.square(error))) >= PSNR[precision]
    if precision == "float32":
        assert np.abs(error).max() <= 1e-3


@pytest.mark.slow
def test_a_file_with_a_size_runs_whole_on_xnnpack(full):
    assert operators(full[1]) <= OPERATORS
    assert xnnpack(full[1]) == (1, {})


@pytest.mark.slow
def test_a_file_with_a_size_is_static_for_gpus(full):
    model = schema.Model.GetRootAsModel(full[1].read_bytes())
    (graph,) = schema.ModelT.InitFromObj(model).subgraphs
    assert all(tensor.shapeSignature is None for tensor in graph.tensors)
    sizes = [
        tuple(tensor.shape) for tensor in graph.tensors if tensor.shape is not None
    ]
    assert all(len(size) <= 4 and min(size, default=1) > 0 for size in sizes)
    side = FULL[full[0]][0]
    maps = [size for size in sizes if size[1:3] == (side, side)]
    assert len(maps) > 20 and all(size[0] == 1 for size in maps)


@pytest.mark.parametrize(
    "precision, size, io",
    [
        ("float32", (384, 256), "uint8"),
        ("float16", 256, "uint8"),
        ("dynamic", 512, "uint8"),
        ("float32", None, "float"),
        ("dynamic", None, "uint8"),
    ],
)
def test_what_xnnpack_leaves_in_other_files(written, precision, size, io):
    path = written(precision, size, io)
    allowed, left = OPERATORS, {}
    if size is None:
        allowed, left = allowed | OPERATORS_OF_ANY_SIZE, left | LEFT_OF_ANY_SIZE
    if io == "uint8":
        allowed, left = allowed | OPERATORS_OF_UINT8, left | LEFT_OF_UINT8
    assert operators(path) <= allowed
    # The three resizings of a file for any size part it in four.
    assert xnnpack(path) == (1 if size else 4, left)


def test_a_file_has_the_size_that_was_asked_for(small, written):
    runner = interpreter(written(size=(24, 40)))
    (details,) = runner.get_input_details()
    assert tuple(details["shape"]) == (1, 24, 40, 3)
    assert tuple(details["shape_signature"]) == (1, 24, 40, 3)
    assert list(runner.get_signature_list().values()) == [
        {"inputs": ["image"], "outputs": ["picture"]}
    ]
    image = np.asarray(to_float(photo(24, 40)[None]))
    expected = main_tail(small)(image)
    np.testing.assert_allclose(run_litert(runner, image), expected, atol=1e-3)


def test_a_file_without_a_size_takes_one_after_another(small, written):
    runner = interpreter(written())
    for height, width in ((64, 48), (16, 16), (24, 88)):
        image = np.asarray(to_float(photo(height, width)[None]))
        expected = main_tail(small)(image)
        np.testing.assert_allclose(run_litert(runner, image), expected, atol=1e-3)


def test_large_pictures_stay_exact(small, written):
    # Sums over the whole picture in one float32 number put it off by 6e-4.
    image = np.tile(np.asarray(to_float(photo(256, 256)[None])), (1, 4, 4, 1))
    expected = main_tail(small)(image)
    picture = run_litert(interpreter(written()), image)
    np.testing.assert_allclose(picture, expected, atol=5e-4)


@pytest.mark.parametrize("case", [("float32", (384, 256)), ("float16", 256)])
def test_uint8_files_take_and_give_grey_levels(small, written, case):
    image = photo(*np.broadcast_to(case[1], 2))[None]
    picture = run_litert(interpreter(written(*case, "uint8")), image)
    assert picture.dtype == np.uint8
    expected = np.asarray(to_uint8(main_tail(small)(to_float(image))))
    assert np.abs(picture.astype(int) - expected).max() <= 1
    assert np.mean(picture != expected) < 0.1  # a half in a file that truncates
    assert np.ptp(picture) > 100


@pytest.mark.parametrize("resize", ["corner", "nearest", "transposed"])
def test_every_way_of_resizing_is_kept(resize, tmp_path):
    generator = random_generator(4, resize=resize)
    path = export_litert(generator, tmp_path / "g.tflite", size=(32, 48))
    image = np.asarray(to_float(photo(32, 48)[None]))
    expected = main_tail(generator)(image)
    picture = run_litert(interpreter(path), image)
    np.testing.assert_allclose(picture, expected, atol=1e-3)


def test_a_mixed_precision_generator_is_written_in_float32():
    # Converting fails at the first layer of another precision.
    mixed = random_generator(4, dtype="mixed_bfloat16")
    model = litert.litert_tail(mixed)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    image = to_float(photo(32, 32)[None])
    expected = as_float32(main_tail(mixed))(image)
    np.testing.assert_allclose(model(image), expected, atol=1e-4)


@pytest.mark.parametrize("padding", [(3, 3), (1, 1), (1, 0), (0, 2), (0, 0)])
def test_slices_mirror_as_padding_does(padding):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    expected = ReflectPad2D(padding)(x)
    np.testing.assert_array_equal(SlicePad2D(padding)(x), expected)


def test_attention_by_convolutions_is_the_same_attention():
    # Large enough for exponents to overflow.
    x = 500 * np.random.default_rng(0).normal(size=(2, 6, 5, 8)).astype("float32")
    layer, other = ExternalAttention(memory=16), PixelAttention(memory=16)
    expected = layer(x)
    other.build(x.shape)
    other.set_weights(layer.get_weights())
    np.testing.assert_allclose(other(x), expected, rtol=1e-4, atol=1e-4)


# The metadata, read by the numbers that flatc gives the fields of metadata_schema.fbs
# in tflite-support 0.4.4: the place of field n in a table's index is 4 + 2 n.


def metadata(path):
    """The root table, and the whole buffer it is in."""
    data = path.read_bytes()
    assert schema.Model.ModelBufferHasIdentifier(data, 0)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data))
    (entry,) = [x for x in model.metadata if x.name == b"TFLITE_METADATA"]
    buffer = bytes(model.buffers[entry.buffer].data)
    root = flatbuffers.encode.Get(flatbuffers.packer.uoffset, buffer, 0)
    return Table(buffer, root), buffer


def field(table, number):
    """Where a field's value is."""
    offset = table.Offset(4 + 2 * number)
    assert offset, f"field {number} is absent"
    return table.Pos + offset


def text(table, number):
    return table.String(field(table, number)).decode()


def below(table, number):
    return Table(table.Bytes, table.Indirect(field(table, number)))


def elements(table, number):
    start = table.Vector(field(table, number) - table.Pos)
    count = table.VectorLen(field(table, number) - table.Pos)
    return [Table(table.Bytes, table.Indirect(start + 4 * i)) for i in range(count)]


def numbers(table, number):
    flags = flatbuffers.number_types.Float32Flags
    return table.GetVectorAsNumpy(flags, field(table, number) - table.Pos)


def byte(table, number):
    flags = flatbuffers.number_types.Uint8Flags
    return table.Get(flags, field(table, number))


def unsigned(table, number):
    flags = flatbuffers.number_types.Uint32Flags
    return table.Get(flags, field(table, number))


def described(tensor):
    """Name, size, mean, deviation, lowest and highest value in a tensor's metadata."""
    content, (unit,), stats = below(tensor, 3), elements(tensor, 4), below(tensor, 5)
    assert byte(content, 0) == 2  # properties of an image
    assert byte(below(content, 1), 0) == 1  # RGB
    size = below(below(content, 1), 1)
    assert byte(unit, 0) == 1  # options of a normalisation
    values = [*numbers(below(unit, 1), 0), *numbers(below(unit, 1), 1)]
    values += [*numbers(stats, 1), *numbers(stats, 0)]
    return text(tensor, 0), (unsigned(size, 1), unsigned(size, 0)), values


def test_the_metadata_holds_the_model_card(written):
    root, buffer = metadata(written("float32", (384, 256), "uint8"))
    assert buffer[4:8] == b"M001"
    assert text(root, 0) == "animegan_tf" and "DTGAN" in text(root, 1)
    card = ModelCard(text(root, 4), text(root, 5), text(root, 2))
    assert card == CARD
    assert text(root, 7) == "1.0.0"


@pytest.mark.parametrize(
    "case, size, image, picture",
    [
        (
            ("float32", (24, 40), "float"),
            (24, 40),
            [127.5, 127.5, -1, 1],
            [-1, 1 / 127.5, -1, 1],
        ),
        (("float32", (384, 256), "uint8"), (384, 256), [0, 1, 0, 255], [0, 1, 0, 255]),
        (
            ("float32", None, "float"),
            (256, 256),
            [127.5, 127.5, -1, 1],
            [-1, 1 / 127.5, -1, 1],
        ),
    ],
    ids=["float", "uint8", "any size"],
)
def test_the_metadata_tells_how_pictures_go_in_and_out(
    written, case, size, image, picture
):
    (graph,) = elements(metadata(written(*case))[0], 3)
    (source,), (target,) = elements(graph, 2), elements(graph, 3)
    for tensor, name, expected in (source, "image", image), (
        target,
        "picture",
        picture,
    ):
        found, sides, values = described(tensor)
        assert (found, sides) == (name, size)
        np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_the_metadatas_normalisation_is_what_the_network_takes(small, written):
    """Levels in and out by the formula of the schema: (x - mean) / deviation."""
    path = written(size=(24, 40))
    (graph,) = elements(metadata(path)[0], 3)
    scales = [described(elements(graph, n)[0])[2][:2] for n in (2, 3)]
    levels = photo(24, 40)[None].astype("float32")
    image = (levels - scales[0][0]) / scales[0][1]
    picture = run_litert(interpreter(path), image.astype("float32"))
    painted = (picture - scales[1][0]) / scales[1][1]
    expected = np.asarray(to_uint8(main_tail(small)(to_float(levels))))
    assert np.abs(painted - expected).max() <= 1


def test_no_licence_is_claimed_by_default():
    assert "No licence" in ModelCard().license
    assert ModelCard().author == "not stated"


@pytest.mark.parametrize("name", ["author", "license", "version"])
@pytest.mark.parametrize("value", ["", "  ", "\udcff"])
def test_a_card_holds_text(name, value):
    with pytest.raises(InputError, match=f"the {name} of a model must be"):
        ModelCard(**{name: value})


@pytest.mark.parametrize(
    "name, size, named",
    [
        ("g.tflite", 20, "20 x 20"),
        ("g.tflite", 8, "8 x 8"),
        ("g.tflite", (32, 36), "32 x 36"),
        ("g.tflite", (32, 32, 32), "32 x 32 x 32"),
        ("g.bin", 32, "g.bin"),
        ("no/g.tflite", 32, "no/g.tflite"),
    ],
)
def test_litert_refuses(small, tmp_path, name, size, named):
    with pytest.raises(InputError, match=named):
        export_litert(small, tmp_path / name, size=size)
    assert list(tmp_path.iterdir()) == []


def test_unknown_choices_are_a_bug_of_the_caller(small, tmp_path):
    for choice in ({"precision": "int4"}, {"io": "int8"}):
        with pytest.raises(ValueError, match="must be one of") as error:
            export_litert(small, tmp_path / "g.tflite", **choice)
        assert not isinstance(error.value, InputError)
