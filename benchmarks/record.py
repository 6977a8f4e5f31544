"""Results of a benchmark: printed as a table, stored with machine and commit."""

import argparse
import json
import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def options(description: str, repeats: int | None = None) -> argparse.ArgumentParser:
    """What every benchmark takes; --repeats only where it has a default."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="a small part, to see that it runs")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    if repeats is not None:
        parser.add_argument("--repeats", type=int, default=repeats, help=f"{repeats} by default")
    return parser


def commit() -> str:
    """Commit of the source, with a mark if it was changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def machine() -> str:
    """Machine, and the accelerator if there is one."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{platform.machine()} {platform.system()}, {device}, {torch.get_num_threads()} thread"


def store(name: str, record: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write a record with machine, versions and commit; numbers that are not finite become null."""
    made = {
        "machine": machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "commit": commit(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(as_text(finite({**made, **record})))
    return path


def as_text(record: Mapping[str, Any]) -> str:
    """JSON with a line for every entry, and for every element of a list of records."""
    lines = (f" {json.dumps(name)}: {_lines(value)}" for name, value in record.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(value: Any) -> str:
    if not (isinstance(value, list) and value and isinstance(value[0], Mapping)):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in value) + "\n ]"


def finite(value: Any) -> Any:
    """The same with plain numbers, and None for those that are not finite."""
    if isinstance(value, Mapping):
        return {str(name): finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def show(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Print chosen columns of a table."""
    cells = [list(columns), *([cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)))


def cell(value: Any) -> str:
    """One number or word, short enough for a table."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return "" if value is None else str(value)
