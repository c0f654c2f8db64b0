"""One tensor of a file: raw little-endian bytes in C order, with their type and shape."""

import math
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt

DType = Literal["F32", "F16", "BF16"]

WIDTH_BYTES: Final[dict[DType, int]] = {"F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True, slots=True)
class TensorData:
    """A tensor as a file holds it. ``data`` may be a view into the file's bytes."""

    dtype: DType
    shape: tuple[int, ...]
    data: memoryview | bytes

    @property
    def size_bytes(self) -> int:
        """The bytes that type and shape call for."""
        return math.prod(self.shape) * WIDTH_BYTES[self.dtype]

    def to_numpy(self) -> npt.NDArray[np.float32]:
        """Return a new, writable float32 array of this shape; every type widens exactly."""
        match self.dtype:
            case "F32":
                flat = np.frombuffer(self.data, dtype="<f4").astype(np.float32)
            case "F16":
                flat = np.frombuffer(self.data, dtype="<f2").astype(np.float32)
            case "BF16":
                # bfloat16 is the upper half of a float32.
                bits = np.frombuffer(self.data, dtype="<u2").astype(np.uint32) << np.uint32(16)
                flat = bits.view(np.float32)
        return flat.reshape(self.shape)

    @classmethod
    def from_numpy(cls, array: npt.NDArray[np.float32] | npt.NDArray[np.float16]) -> Self:
        """Copy a float32 or float16 array, keeping its type.

        Raises:
            ValueError: the array has another type.
        """
        if array.dtype == np.float32:
            return cls("F32", array.shape, array.astype("<f4").tobytes())
        if array.dtype == np.float16:
            return cls("F16", array.shape, array.astype("<f2").tobytes())
        message = f"expected a float32 or float16 array, got {array.dtype}"
        raise ValueError(message)
