"""Tensors as bytes and as arrays."""

import struct

import numpy as np
import pytest

from multitap_adapters.file import TensorData


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_array_survives_the_way_through_bytes(
    dtype: type[np.float32] | type[np.float16],
) -> None:
    values = np.array([[0.5, -1.25, 3.0]], dtype=dtype)
    tensor = TensorData.from_numpy(values)  # type: ignore[arg-type]
    assert tensor.shape == (1, 3)
    assert tensor.to_numpy().dtype == np.float32
    np.testing.assert_array_equal(tensor.to_numpy(), values.astype(np.float32))


def test_bfloat16_widens_exactly_for_every_finite_pattern() -> None:
    patterns = np.array([p for p in range(1 << 16) if p & 0x7F80 != 0x7F80], dtype="<u2")
    widened = TensorData("BF16", patterns.shape, patterns.tobytes()).to_numpy()
    for index in range(0, patterns.size, 997):
        (expected,) = struct.unpack("<f", b"\0\0" + patterns[index].tobytes())
        assert widened[index] == expected
    np.testing.assert_array_equal(widened.view(np.uint32) >> 16, patterns)
    np.testing.assert_array_equal(widened.view(np.uint32) & 0xFFFF, 0)


def test_bytes_are_little_endian_in_c_order() -> None:
    array = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32).T
    assert TensorData.from_numpy(array).data == struct.pack("<4f", 1, 3, 2, 4)


def test_the_array_is_a_copy_that_may_be_changed() -> None:
    tensor = TensorData("F32", (2,), struct.pack("<2f", 1, 2))
    array = tensor.to_numpy()
    array[0] = 9
    assert tensor.to_numpy()[0] == 1


def test_data_need_not_be_aligned() -> None:
    data = memoryview(b"x" + struct.pack("<2f", 1, 2))[1:]
    np.testing.assert_array_equal(TensorData("F32", (2,), data).to_numpy(), [1, 2])


def test_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a float32 or float16 array, got float64"):
        TensorData.from_numpy(np.zeros(1))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_the_size_follows_type_and_shape() -> None:
    assert TensorData("F32", (2, 3), bytes(24)).size_bytes == 24
    assert TensorData("BF16", (), bytes(2)).size_bytes == 2
