import numpy as np
import pytest

from universe.linalg import covariance_root


def test_root_of_a_covariance():
    cov = np.array([[4.0, 1.0], [1.0, 9.0]])
    root = covariance_root(cov)
    assert root.T @ root == pytest.approx(cov, rel=1e-8)
    assert root[1, 0] == 0


def test_a_singular_matrix_has_one_near_by():
    cov = np.ones((3, 3))
    root = covariance_root(cov)
    assert root.T @ root == pytest.approx(cov, rel=1e-5)


def test_root_of_an_impossible_matrix_is_that_of_its_diagonal():
    assert covariance_root(np.array([[4.0, 9.0], [9.0, 9.0]])).tolist() == [[2.0, 0.0], [0.0, 3.0]]
