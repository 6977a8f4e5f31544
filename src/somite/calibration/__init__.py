"""Sampler settings found from the model itself, with the evidence for them."""

from somite.calibration.calibrate import calibrate
from somite.calibration.outcome import Calibration

__all__ = ["Calibration", "calibrate"]
