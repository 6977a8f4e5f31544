"""Sampler settings found from the model itself, with the evidence for them."""

from somite.calibration.calibrate import calibrate
from somite.calibration.outcome import Calibration
from somite.calibration.plan import CalibrationPlan, calibration_plan

__all__ = ["Calibration", "CalibrationPlan", "calibrate", "calibration_plan"]
