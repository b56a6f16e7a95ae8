"""Converts small TFLite convolution networks (MediaPipe's face networks) to ONNX.

TFLite keeps pictures as NHWC, ONNX as NCHW: every four-dimensional tensor is turned once where
it enters and once where it leaves. Weights stay float16 where they were, and are widened when
the network is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TENSOR_TYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
OPERATOR_NAMES = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
SMALL = 16
"""Constants of up to this many numbers are stored as float32: float16 would not save anything."""
WIDE = 128
"""Above this many channels a picture is so small that turning it costs less than a matrix."""


def convert(
    data: bytes,
    *,
    outputs: dict[tuple[int, ...], str],
    scale: float,
    offset: float,
    channels: dict[str, NDArray[np.intp]] | None = None,
) -> onnx.ModelProto:
    """Convert a TFLite file with one subgraph, one picture as input, and float outputs.

    Args:
        data: the file's bytes.
        outputs: name of each output, by its shape.
        scale: what a pixel in 0..255 is multiplied by before it enters the network.
        offset: what is added to it then.
        channels: of an output that a convolution makes, the channels to keep; the others cost nothing.

    Returns:
        A checked ONNX model with the input ``picture``, ``(1, height, width, 3)`` uint8, and
        the outputs in TFLite's layout (NHWC).

    Raises:
        NotImplementedError: the network has an operator or activation this tool does not know.
    """
    graph = _Graph(tflite.Model.GetRootAsModel(data, 0))
    for tensor in graph.graph.OutputsAsNumpy():
        name = outputs[tuple(graph.shape(tensor))]
        if channels and name in channels:
            graph.kept[tensor] = channels[name]
    graph.picture(scale, offset)
    for index in range(graph.graph.OperatorsLength()):
        graph.operator(graph.graph.Operators(index))
    return graph.finish(outputs)


class _Graph:
    """One conversion under way."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.graph = model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.constants: dict[int, NDArray[Any]] = {}
        self.kept: dict[int, NDArray[np.intp]] = {}
        """Channels to keep of the outputs of which not all are wanted."""
        self.names: dict[int, str] = {}
        """ONNX value of each TFLite tensor made so far; four-dimensional ones are NCHW."""
        self.handlers: dict[str, Callable[[Any, list[int], int], None]] = {
            "ADD": self.add,
            "CONCATENATION": self.concatenation,
            "CONV_2D": self.convolution,
            "DEPTHWISE_CONV_2D": self.depthwise_convolution,
            "DEQUANTIZE": self.dequantize,
            "MAX_POOL_2D": self.max_pool,
            "PAD": self.pad,
            "PRELU": self.prelu,
            "RELU": self.relu,
            "RESHAPE": self.reshape,
            "RESIZE_BILINEAR": self.resize,
        }

    def picture(self, scale: float, offset: float) -> None:
        """Make the network's input from bytes."""
        # In this order: onnxruntime transposes floats faster than bytes.
        pixels = self.node("Transpose", [self.node("Cast", ["picture"], to=TensorProto.FLOAT)], perm=TO_NCHW)
        scaled = self.node("Mul", [pixels, self.initializer(np.float32(scale))])
        self.names[self.graph.Inputs(0)] = self.node("Add", [scaled, self.initializer(np.float32(offset))])

    def finish(self, outputs: dict[tuple[int, ...], str]) -> onnx.ModelProto:
        """Name the outputs and put everything together."""
        results = []
        for tensor in self.graph.OutputsAsNumpy():
            shape = self.shape(tensor)
            name = outputs[tuple(shape)]
            if tensor in self.kept:
                shape[-1] = len(self.kept[tensor])
            self.nodes.append(helper.make_node("Identity", [self.nhwc(tensor)], [name]))
            results.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        source = self.shape(self.graph.Inputs(0))
        inputs = [helper.make_tensor_value_info("picture", TensorProto.UINT8, source)]
        graph = helper.make_graph(self.nodes, "face", inputs, results, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model

    def operator(self, operator: Any) -> None:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        name = OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        if name not in self.handlers:
            raise NotImplementedError(f"TFLite operator {name}")
        self.handlers[name](operator, list(operator.InputsAsNumpy()), operator.Outputs(0))

    # What the tensors hold

    def shape(self, tensor: int) -> list[int]:
        return [int(size) for size in self.graph.Tensors(tensor).ShapeAsNumpy()]

    def constant(self, tensor: int) -> NDArray[Any]:
        if tensor not in self.constants:
            info = self.graph.Tensors(tensor)
            raw = self.model.Buffers(info.Buffer()).DataAsNumpy().tobytes()
            self.constants[tensor] = np.frombuffer(raw, TENSOR_TYPES[info.Type()]).reshape(self.shape(tensor))
        return self.constants[tensor]

    def initializer(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def weight(self, value: NDArray[Any]) -> str:
        """A float32 value, stored as float16 where nothing is lost by it."""
        half = value.astype(np.float16)
        if value.size <= SMALL or not np.array_equal(half.astype(np.float32), value):
            return self.initializer(value.astype(np.float32))
        return self.node("Cast", [self.initializer(half)], to=TensorProto.FLOAT)

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def nhwc(self, tensor: int) -> str:
        """The tensor in TFLite's layout."""
        name = self.names[tensor]
        return self.node("Transpose", [name], perm=TO_NHWC) if len(self.shape(tensor)) == 4 else name

    def activation(self, name: str, kind: int) -> str:
        if kind == tflite.ActivationFunctionType.NONE:
            return name
        if kind == tflite.ActivationFunctionType.RELU:
            return self.node("Relu", [name])
        raise NotImplementedError(f"TFLite activation {kind}")

    def padding(self, kind: int, inputs: list[int], output: int, kernel: Any, strides: Any) -> list[int]:
        """TFLite's SAME puts the odd row below and right, which ONNX has to be told."""
        if kind != tflite.Padding.SAME:
            return [0, 0, 0, 0]
        total = [
            max(
                0,
                (self.shape(output)[1 + axis] - 1) * strides[axis]
                + kernel[axis]
                - self.shape(inputs[0])[1 + axis],
            )
            for axis in (0, 1)
        ]
        before = [size // 2 for size in total]
        return before + [size - first for size, first in zip(total, before, strict=True)]

    # One method for each operator: its options, its inputs, its output

    def dequantize(self, operator: Any, inputs: list[int], output: int) -> None:
        self.constants[output] = self.constant(inputs[0]).astype(np.float32)

    def convolution(self, operator: Any, inputs: list[int], output: int) -> None:
        weight = self.constant(inputs[1]).transpose(TO_NCHW)
        self._convolve(_options(operator, tflite.Conv2DOptions), inputs, output, weight, group=1)

    def depthwise_convolution(self, operator: Any, inputs: list[int], output: int) -> None:
        weight = self.constant(inputs[1]).transpose(3, 0, 1, 2)
        options = _options(operator, tflite.DepthwiseConv2DOptions)
        self._convolve(options, inputs, output, weight, group=self.shape(inputs[0])[3])

    def _convolve(
        self, options: Any, inputs: list[int], output: int, weight: NDArray[Any], group: int
    ) -> None:
        if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
            raise NotImplementedError("dilated convolution")
        strides, kernel = [options.StrideH(), options.StrideW()], list(weight.shape[2:])
        bias = self.constant(inputs[2])
        if output in self.kept:
            weight, bias = weight[self.kept[output]], bias[self.kept[output]]
        values = [self.names[inputs[0]], self.weight(weight), self.weight(bias)]
        pads = self.padding(options.Padding(), inputs, output, kernel, strides)
        name = self.node("Conv", values, kernel_shape=kernel, strides=strides, pads=pads, group=group)
        self.names[output] = self.activation(name, options.FusedActivationFunction())

    def max_pool(self, operator: Any, inputs: list[int], output: int) -> None:
        options = _options(operator, tflite.Pool2DOptions)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        strides = [options.StrideH(), options.StrideW()]
        pads = self.padding(options.Padding(), inputs, output, kernel, strides)
        name = self.node("MaxPool", [self.names[inputs[0]]], kernel_shape=kernel, strides=strides, pads=pads)
        self.names[output] = self.activation(name, options.FusedActivationFunction())

    def add(self, operator: Any, inputs: list[int], output: int) -> None:
        name = self.node("Add", [self.names[tensor] for tensor in inputs])
        options = _options(operator, tflite.AddOptions)
        self.names[output] = self.activation(name, options.FusedActivationFunction())

    def relu(self, operator: Any, inputs: list[int], output: int) -> None:
        self.names[output] = self.node("Relu", [self.names[inputs[0]]])

    def prelu(self, operator: Any, inputs: list[int], output: int) -> None:
        """``slope * x + (1 - slope) * relu(x)``, the products as depthwise convolutions.

        onnxruntime keeps convolutions in its own blocked layout; its PRelu, and products with a
        number per channel, would turn every picture to and fro, which takes longer than the sums.
        Where no slope is above 1 the factor goes into relu, which then is part of its convolution.
        """
        slope = self.constant(inputs[1]).astype(np.float32).reshape(-1, 1, 1, 1)
        value = self.names[inputs[0]]
        if (slope <= 1).all():
            above = self.node("Relu", [self._scale(value, 1 - slope)])
        else:
            above = self._scale(self.node("Relu", [value]), 1 - slope)
        self.names[output] = self.node("Add", [self._scale(value, slope), above])

    def _scale(self, value: str, factor: NDArray[np.float32]) -> str:
        """The value times a number per channel."""
        return self.node("Conv", [value, self.weight(factor)], kernel_shape=[1, 1], group=len(factor))

    def pad(self, operator: Any, inputs: list[int], output: int) -> None:
        amounts = self.constant(inputs[1])[TO_NCHW].astype(np.int64)
        value, channels = self.names[inputs[0]], self.shape(output)[3]
        if amounts[[0, 2, 3]].any() or channels > WIDE:
            pads = self.initializer(np.concatenate([amounts[:, 0], amounts[:, 1]]))
            self.names[output] = self.node("Pad", [value, pads])
        else:
            # More channels: a convolution that keeps what is there, so that the blocked layout stays.
            keep = np.eye(channels, dtype=np.float32)[:, amounts[1, 0] : channels - amounts[1, 1]]
            weight = self.weight(keep[:, :, None, None])
            self.names[output] = self.node("Conv", [value, weight], kernel_shape=[1, 1])

    def reshape(self, operator: Any, inputs: list[int], output: int) -> None:
        if len(self.shape(output)) == 4:
            raise NotImplementedError("reshape to four dimensions")
        shape = self.initializer(np.array(self.shape(output), np.int64))
        self.names[output] = self.node("Reshape", [self.nhwc(inputs[0]), shape])

    def concatenation(self, operator: Any, inputs: list[int], output: int) -> None:
        axis = _options(operator, tflite.ConcatenationOptions).Axis()
        if len(self.shape(output)) == 4:
            axis = TO_NHWC[axis]
        self.names[output] = self.node("Concat", [self.names[tensor] for tensor in inputs], axis=axis)

    def resize(self, operator: Any, inputs: list[int], output: int) -> None:
        options = _options(operator, tflite.ResizeBilinearOptions)
        if options.AlignCorners():
            mode = "align_corners"
        else:
            mode = "half_pixel" if options.HalfPixelCenters() else "asymmetric"
        sizes = self.initializer(np.array(self.shape(output), np.int64)[TO_NCHW])
        self.names[output] = self.node(
            "Resize",
            [self.names[inputs[0]], "", "", sizes],
            mode="linear",
            coordinate_transformation_mode=mode,
        )


def _options(operator: Any, kind: type[Any]) -> Any:
    """The operator's options, read from the file's union of tables."""
    options, table = kind(), operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    return options
