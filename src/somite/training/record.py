"""Which steps of a series a loop is through with, in a file that outlives the process."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from somite.core.errors import InputError


@dataclass(frozen=True)
class Record:
    """A file of finished steps.

    Args:
        path: Where it is or will be.
        source: The series it belongs to, in words; a record of another is refused.
    """

    path: Path
    source: str

    def finished(self) -> set[int]:
        """Steps that are in it; none without a file.

        Raises:
            InputError: If it cannot be read or is of another series.
        """
        if not self.path.exists():
            return set()
        remedy = "Choose another file, or remove it to begin from the first step."
        try:
            content = json.loads(self.path.read_text())
            source, finished = str(content["source"]), {int(s) for s in content["finished"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            rule = "must be a record of finished steps"
            raise InputError("record", rule, str(self.path), remedy) from error
        if source != self.source:
            raise InputError("record", f"must be of the series {self.source}", source, remedy)
        return finished

    def finish(self, step: int) -> None:
        """Add a step; the file is replaced when whole."""
        content = {"source": self.source, "finished": sorted({*self.finished(), step})}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(f".partial-{self.path.name}")
        partial.write_text(json.dumps(content))
        os.replace(partial, self.path)
