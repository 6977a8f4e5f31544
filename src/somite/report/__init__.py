"""One self-contained HTML report from the results of a study, and nothing else."""

from somite.report.build import build_report

__all__ = ["build_report"]
