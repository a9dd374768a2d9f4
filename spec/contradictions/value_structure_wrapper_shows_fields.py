"""A Value of a Structure has no attribute value.

Documentation of multiprocessing.Value: "The object itself can be accessed via the value attribute
of a Value."
"""

import ctypes
import multiprocessing


class Point(ctypes.Structure):
    _fields_ = (("x", ctypes.c_double), ("y", ctypes.c_double))


if __name__ == "__main__":
    point = multiprocessing.Value(Point, 1.5, 2.5)
    print("point.x:", point.x)
    print("point has the attribute value:", hasattr(point, "value"))
