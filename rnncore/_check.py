"""What every public function asks of its arguments, said once.

Each check raises a `ValueError` (or `TypeError` for a wrong type) that names the argument, what was
expected and what came, before anything is computed or changed.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Shape(NamedTuple):
    """A leaf of a state's specification: one array of these sizes."""

    sizes: tuple[int, ...]


def positive_int(name: str, value: Any) -> int:
    """Return `value` if it is a positive integer."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: expected a positive integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name}: expected a positive integer, got {value}")
    return int(value)


def settle_sizes(model: Any, *names: str) -> None:
    """Check the sizes of a frozen model and keep them as Python integers, which cannot overflow."""
    for name in names:
        object.__setattr__(model, name, positive_int(name, getattr(model, name)))


def number(name: str, value: Any) -> float:
    """Return `value` if it is a real number, which may be infinite or NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    return float(value)


def any_array(name: str, value: Any) -> NDArray:
    """Return `value` as an array, if it can be one."""
    try:
        return np.asarray(value)
    except ValueError as error:  # rows of several lengths
        raise ValueError(f"{name}: expected an array, got {value!r:.80}") from error


def generator(rng: Any) -> np.random.Generator:
    """Return `rng` if it is a NumPy generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    return rng


def float_dtype(name: str, dtype: DTypeLike) -> np.dtype:
    """Return `dtype` if it is float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"{name}: expected float32 or float64, got {dtype!r}") from None
    if found not in FLOATS:
        raise ValueError(f"{name}: expected float32 or float64, got {found}")
    return found


def array(
    name: str, value: Any, sizes: tuple[int | str, ...], dtype: DTypeLike | None = None
) -> NDArray:
    """Return `value` if it is a non-empty float array of these sizes; a letter stands for any."""
    if type(value) is np.ndarray and value.shape == sizes and value.dtype == dtype and value.size:
        return value
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {type(value).__name__}")
    want = "(" + ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "") + ")"
    fits = value.ndim == len(sizes) and all(
        isinstance(s, str) or s == n for s, n in zip(sizes, value.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: expected shape {want}, got {value.shape}")
    if value.size == 0:
        raise ValueError(f"{name}: expected at least one entry on every axis, got {value.shape}")
    if value.dtype not in FLOATS or (dtype is not None and value.dtype != dtype):
        raise ValueError(f"{name}: expected {dtype or 'float32 or float64'}, got {value.dtype}")
    return value


def parameters(shapes: Mapping[str, tuple[int, ...]], params: Any, finite: bool = True) -> np.dtype:
    """Check names, shapes, one common dtype and (if asked) finiteness; return the dtype."""
    if not isinstance(params, Mapping):
        raise TypeError(f"params: expected a dict of arrays, got {type(params).__name__}")
    if params.keys() != shapes.keys():
        missing = ", ".join(sorted(shapes.keys() - params.keys())) or "nothing"
        extra = ", ".join(sorted(map(str, params.keys() - shapes.keys()))) or "nothing"
        raise ValueError(
            f"params: expected the keys {', '.join(shapes)}; missing {missing}, unknown {extra}"
        )
    dtype = None
    for key, sizes in shapes.items():
        dtype = array(f"params[{key!r}]", params[key], sizes, dtype).dtype
        if finite and np.count_nonzero(np.isfinite(params[key])) < params[key].size:
            raise ValueError(f"params[{key!r}]: expected finite numbers, got NaN or infinity")
    return dtype


def state(name: str, spec: Any, value: Any, dtype: np.dtype) -> Any:
    """Check a nested tuple of arrays against its specification."""
    if isinstance(spec, Shape):
        return array(name, value, spec.sizes, dtype)
    if spec is int:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise ValueError(f"{name}: expected a step number, 0 or more, got {value!r}")
        return int(value)
    if not isinstance(value, tuple) or len(value) != len(spec):
        got = f"{len(value)} parts" if isinstance(value, tuple) else type(value).__name__
        raise ValueError(f"{name}: expected a tuple of {len(spec)}, got {got}")
    return tuple(
        state(f"{name}[{k}]", s, v, dtype) for k, (s, v) in enumerate(zip(spec, value, strict=True))
    )


def zeros(spec: Any, dtype: np.dtype) -> Any:
    """Build the state of zeros that a specification describes."""
    if isinstance(spec, Shape):
        return np.zeros(spec.sizes, dtype)
    return 0 if spec is int else tuple(zeros(s, dtype) for s in spec)


def arrays_only(spec: Any) -> Any:
    """Specification of a state's gradient: the same without its integers."""
    if isinstance(spec, Shape):
        return spec
    return tuple(arrays_only(s) for s in spec if s is not int)


def lengths(value: Any, steps: int, batch: int) -> NDArray[np.intp] | None:
    """Return lengths as an integer array, or None when no sequence is padded."""
    if value is None:
        return None
    lengths = any_array("lengths", value)
    if lengths.dtype.kind not in "iu" or lengths.shape != (batch,):
        raise ValueError(
            f"lengths: expected {batch} integers, got {lengths.dtype} of shape {lengths.shape}"
        )
    if lengths.min() < 1 or lengths.max() > steps:
        raise ValueError(
            f"lengths: expected values from 1 to {steps}, got {lengths.min()} to {lengths.max()}"
        )
    return None if lengths.min() == steps else lengths.astype(np.intp)


def inputs(model: Any, params: Any, xs: Any, init: Any, axes: tuple[str, ...]) -> Any:
    """Check parameters, inputs and initial state together; return the state, zeros for None."""
    dtype = parameters(model.shapes, params)
    if hasattr(model, "check_params"):
        model.check_params(params)
    name = "xs" if len(axes) == 2 else "x"
    array(name, xs, (*axes, model.input_size), dtype)
    spec = model.state_spec(xs.shape[-2])
    return zeros(spec, dtype) if init is None else state("state", spec, init, dtype)


def floats(name: str, x: object, like: NDArray | None = None) -> NDArray:
    """Return `x` as a float32 or float64 array, of the dtype of `like` if that is given."""
    x = any_array(name, x)
    if x.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected an array of floats, got dtype {x.dtype}")
    if x.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name}: expected dtype float32 or float64, got {x.dtype}")
    if like is not None and x.dtype != like.dtype:
        raise ValueError(f"{name}: expected dtype {like.dtype} as the others, got {x.dtype}")
    return x


def integers(name: str, x: object, size: int | None = None) -> NDArray:
    """Return `x` as an array of integers, all of them in [0, size) if `size` is given."""
    x = any_array(name, x)
    if x.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected an array of integers, got dtype {x.dtype}")
    if x.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected an array of integers, got dtype {x.dtype}")
    if size is not None and x.size and (x.min() < 0 or x.max() >= size):
        where = tuple(int(n) for n in np.argwhere((x < 0) | (x >= size))[0])
        raise ValueError(f"{name}: expected integers in [0, {size}), got {x[where]} at {where}")
    return x


def float_arrays(name: str, arrays: Any) -> None:
    """Check a dict of float arrays of any shape."""
    if not isinstance(arrays, dict):
        raise TypeError(f"{name}: expected a dict of arrays, got {type(arrays).__name__}")
    for key, x in arrays.items():
        if not isinstance(x, np.ndarray):
            raise TypeError(f"{name}[{key!r}]: expected a NumPy array, got {type(x).__name__}")
        float_dtype(f"{name}[{key!r}]", x.dtype)
