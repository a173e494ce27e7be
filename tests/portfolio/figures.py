"""Inputs of the worked examples that several tests share."""

import numpy as np

COV = np.array(
    [
        [0.0025, -0.0015, -0.001, 0.0005, 0.0],
        [-0.0015, 0.0225, 0.018, 0.0045, 0.01125],
        [-0.001, 0.018, 0.04, 0.004, 0.024],
        [0.0005, 0.0045, 0.004, 0.01, 0.0045],
        [0.0, 0.01125, 0.024, 0.0045, 0.09],
    ]
)
"""Annual covariance of five assets with volatilities of 5, 15, 20, 10 and 30 %."""
