import numpy as np

from specnet.optimizers.line_search import Point, minimum


def test_between_two_points_that_rounding_makes_one_there_is_nothing_to_divide_by():
    point = Point(0.1, 0.5, -1e-19, np.zeros(2))
    assert minimum(point, point) == 0.1
