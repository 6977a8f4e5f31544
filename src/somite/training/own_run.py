"""Checkpoints of a run of somite: the series that training left, and the model it is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from somite.core.errors import InputError
from somite.models.transformer import Transformer, TransformerConfig
from somite.training.agreement import read_config
from somite.training.checkpoints import CheckpointSeries
from somite.training.fitting import Template, check_fit, fill, new_model
from somite.training.record import Record
from somite.training.series import Checkpoints, chosen_steps, known_step
from somite.training.weight_files import read_shapes

MARKER, MANIFEST = "run.json", "study.json"
"""Files of a run: its name; what it consists of, once it is finished."""


@dataclass(frozen=True)
class OwnCheckpoints(Checkpoints):
    """Checkpoints that somite's own training wrote.

    Args:
        series: Where they are.
        model: What weights are loaded into.
        wanted: Steps to take; all if None.
        record: Of finished steps.
    """

    series: CheckpointSeries
    model: Template
    wanted: Sequence[int] | None = None
    record: Record | None = None

    def check(self) -> None:
        """Require that there are checkpoints, and that the model is theirs.

        Raises:
            InputError: If not.
        """
        if not self.series.steps():
            remedy = "Train first, or check the path."
            raise InputError("source", "must hold checkpoints", str(self.series.folder), remedy)
        first = self.series.path(self.steps()[0])
        check_fit(new_model(self.model), read_shapes(first), first.name)

    def steps(self) -> list[int]:
        """Steps of the checkpoints so far, increasing."""
        return chosen_steps(self.series.steps(), self.wanted)

    def load(self, step: int) -> nn.Module:
        """The model at a step, a new one each time.

        Raises:
            InputError: If there is no such step, or its weights cannot be read or do not fit.
        """
        weights = self.series.weights(known_step(step, self.steps()))
        return fill(new_model(self.model), weights, str(self.series.path(step)))


def own_series(run: Path) -> CheckpointSeries:
    """The training of a run: the one its manifest names, else the only one.

    Raises:
        InputError: If there is none, or several and no manifest.
    """
    if (run / MANIFEST).is_file():
        return CheckpointSeries(run / str(read_config(run / MANIFEST).get("training")))
    folders = [folder for folder in run.glob("training-*") if CheckpointSeries(folder).steps()]
    if len(folders) != 1:
        found = ", ".join(sorted(folder.name for folder in folders)) or "none"
        remedy = "Name the one that is meant, or give the command that started the run again."
        raise InputError("source", "must hold one training", f"{found} in {run}", remedy)
    return CheckpointSeries(folders[0])


def own_model(run: Path) -> Template:
    """The transformer of a finished run.

    Raises:
        InputError: If the run is not finished, so that it does not say its settings.
    """
    if not (run / MANIFEST).is_file():
        rule = "must be given where the run is not finished"
        remedy = "Give the model of its recipe, or the command that started it again."
        raise InputError("model", rule, str(run), remedy)
    try:
        settings = read_config(run / MANIFEST)["settings"]
        data = settings["data"]
        config = TransformerConfig(data["vocab_size"], data["context"], **settings["model"])
    except (KeyError, TypeError) as error:
        remedy = "Give model=, of which a copy takes the weights."
        raise InputError("run", "must record its model", str(run / MANIFEST), remedy) from error
    return lambda: Transformer(config)
