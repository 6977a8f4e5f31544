"""Self-contained HTML pages from the results of a study, and nothing else."""

from somite.report.build import build_report, rebuild_report
from somite.report.response import build_response

__all__ = ["build_report", "build_response", "rebuild_report"]
