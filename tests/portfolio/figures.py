"""Inputs of the worked examples that several tests share, and what other libraries find."""

import json
from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "other_libraries.json"
OTHER_LIBRARIES = json.loads(GOLDEN.read_text(encoding="utf-8"))
"""By library and function; see tests/golden/README.md."""

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
