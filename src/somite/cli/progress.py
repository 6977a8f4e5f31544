"""Progress in the terminal: one bar per phase, with time left."""

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class TerminalWatch:
    """Shows the phases of a study; a context manager.

    Args:
        console: Where to draw.
    """

    def __init__(self, console: Console) -> None:
        """Set up the columns."""
        self._console = console
        self._task: TaskID | None = None
        self._progress = Progress(
            TextColumn("{task.description:<17}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("elapsed"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
        )

    def __enter__(self) -> "TerminalWatch":
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing, also after an error."""
        self._progress.stop()

    def phase(self, name: str, total: float) -> None:
        """Begin a bar."""
        self._task = self._progress.add_task(name, total=max(total, 1e-9), note="")
        if not self._console.is_terminal:
            self._console.print(f"{name} …")

    def advance(self, done: float, note: str = "") -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.update(self._task, completed=done, note=note)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, style="dim", highlight=False, markup=False)
