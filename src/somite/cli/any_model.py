"""`somite components`, `somite llc`, `somite track`: any model, any series of checkpoints."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.tree import Tree

from somite.cli.any_config import Asked, asked
from somite.core.checks import at_least
from somite.core.errors import InputError

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor, nn

    from somite.calibration import Calibration
    from somite.components import Mask
    from somite.sampling import Target
    from somite.training.series import Checkpoints

console = Console()
CALIBRATED = 3
"""Checkpoints of a series at which settings are looked for."""
SHOWN = ("llc", "mcse", "r_hat", "ess", "verdict", "reason")
KINDS = (
    *("heads", "keys_values", "head_groups", "attentions", "mlps", "experts", "routers"),
    *("layers", "embed", "positions", "unembed"),
)
Model = Annotated[
    str, typer.Argument(help="Folder of a model or a run, or the id of a model on the Hub.")
]
Data = Annotated[
    list[str],
    typer.Option(
        help="Text file, or NAME=FILE; several: all together are sampled, and each alone."
    ),
]
Which = Annotated[
    str, typer.Option(help="Kind, name or pattern of components; several with commas.")
]
Revision = Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.")]
Calibrate = Annotated[bool, typer.Option(help="Find the sampler settings first.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Sampler setting, such as n_beta=100."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the table as JSON, and nothing else.")]


def components_command(model: Model, revision: Revision = None, as_json: Json = False) -> None:
    """Show the components of a model, with their numbers of weights."""
    from somite.components import components

    loaded, kinds = _model(model, revision), {}
    for kind in KINDS:
        try:
            kinds[kind] = {name: mask.size for name, mask in components(loaded, kind).items()}
        except InputError:
            continue  # the model has none of that kind
    if as_json:
        _print(json.dumps(kinds))
        return
    total = sum(weight.numel() for weight in loaded.parameters())
    tree = Tree(f"{model}: {total:,} weights")
    for kind, sizes in kinds.items():
        branch = tree.add(f"{kind}: {len(sizes)}")
        for name, size in sizes.items():
            branch.add(f"{name}  {size:,}")
    console.print(tree, markup=False, highlight=False)


def llc_command(
    model: Model,
    data: Data,
    components: Which = "heads",
    revision: Revision = None,
    calibrate: Calibrate = False,
    settings: Settings = None,
    out: Annotated[Path, typer.Option(help="Folder of the draws.")] = Path("runs/llc"),
    as_json: Json = False,
) -> None:
    """Sample components of one model, and estimate their refined LLCs on each text."""
    from somite.training.open_series import checkpoints

    request = asked(components, data, settings, calibrate)
    series = checkpoints({0: _model(model, revision)})
    table = _Work(series, _tokenizer(model, revision), request, as_json).run(out)
    _tell(table, as_json)


def track_command(
    series: Annotated[
        str, typer.Argument(help="Folder of checkpoints or of a run, or an id on the Hub.")
    ],
    data: Data,
    components: Which = "heads",
    pattern: Annotated[
        str | None, typer.Option(help="Names of checkpoints, such as step{step}.")
    ] = None,
    calibrate: Calibrate = False,
    settings: Settings = None,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/track"),
    as_json: Json = False,
) -> None:
    """Follow the components of a model through its checkpoints, and write the report."""
    from somite.report import rebuild_report
    from somite.study.track import LEAST_STEPS
    from somite.training.open_series import checkpoints

    request = asked(components, data, settings, calibrate)
    found = checkpoints(series, pattern=pattern)
    at_least("number of checkpoints", len(found.steps()), LEAST_STEPS, "Use `somite llc` for one.")
    table = _Work(found, _tokenizer(_beside(series), None), request, as_json).run(out)
    _, report = rebuild_report(out)
    _tell(table, as_json)
    if not as_json:
        _print(f"The report is at {report}")


@dataclass
class _Work:
    """A series, and what is asked of it; `quiet` leaves the standard output to a table."""

    series: "Checkpoints"
    tokenizer: Any
    asked: Asked
    quiet: bool

    def run(self, out: Path) -> "xr.Dataset":
        """Sample what is missing; the estimates of the last checkpoint, also by domain."""
        from somite.cli.progress import TerminalWatch
        from somite.models import next_token_loss
        from somite.sampling import Target
        from somite.study import load_estimates
        from somite.study.track import track

        config, rows, masks = self.asked.config, self._rows(), self._masks()
        target = Target(next_token_loss, _together(rows), config.n_beta, config.localization)
        kernel = config.sampler()
        names = ("batch_size", "chains", "burn_in", "draws", "probe_every", "seed")
        chain = {name: getattr(config, name) for name in names}
        if self.asked.calibrate:
            found = self._calibrated(target, masks)
            target, kernel = found.target(target.loss, target.data), found.kernel
            kept = {name: chain[name] for name in self.asked.given & {"draws"}}
            chain |= found.settings | kept
        domains = rows if len(rows) > 1 else {}
        with TerminalWatch(Console(stderr=True) if self.quiet else console) as watch:
            track(
                self.series, target, kernel, out, components=masks, domains=domains,
                probe_rows=config.probe_rows, threads=config.threads or None, watch=watch, **chain,
            )  # fmt: skip
        return load_estimates(out)

    def _rows(self) -> dict[str, "Tensor"]:
        """Rows of tokens of every text, by its name."""
        from somite.data import token_rows

        found: dict[str, Tensor] = {}
        for name, words in self.asked.texts.items():
            config = self.asked.config
            packed = token_rows([words], self.tokenizer, config.context, config.rows)
            assert not isinstance(packed, dict)
            found[name] = packed
        return found

    def _masks(self) -> "str | dict[str, Mask]":
        """What was chosen: a kind as it is, names and patterns as masks."""
        from somite.components import components

        chosen = self.asked.components
        model = self.series.load(self.series.steps()[-1])
        masks = {name: mask for part in chosen for name, mask in components(model, part).items()}
        return chosen[0] if len(chosen) == 1 else masks

    def _calibrated(self, target: "Target", masks: "str | dict[str, Mask]") -> "Calibration":
        """Settings found from a few checkpoints, said as they are."""
        from somite.calibration import calibrate
        from somite.cli.trained import spread_steps

        steps = spread_steps(list(self.series.steps()), CALIBRATED)
        models = {str(step): self.series.load(step) for step in steps}
        names = ("kernel", "batch_size", "chains", "seed")
        plan = {name: getattr(self.asked.config, name) for name in names}
        with self._watched() as say:
            found = calibrate(
                models, target.loss, target.data, components=masks, map=False, say=say, **plan
            )
        for sentence in found.words if not self.quiet else ():
            _print(f"- {sentence}")
        return found

    @contextmanager
    def _watched(self) -> Iterator[Callable[[str], None] | None]:
        """What tells of the progress of a calibration; None where nothing is to be said."""
        from somite.cli.calibrate import watched

        if self.quiet:
            yield None
        else:
            with watched() as say:
                yield say


def _is_run(folder: str) -> bool:
    from somite.study.folder import MARKER

    return (Path(folder) / MARKER).is_file()


def _model(model: str, revision: str | None) -> "nn.Module":
    """The last checkpoint of a run, or a model of Hugging Face."""
    from somite.models import load_model
    from somite.training.open_series import checkpoints

    if not _is_run(model):
        return load_model(model, revision)
    series = checkpoints(model)
    return series.load(series.steps()[-1])


def _tokenizer(where: str, revision: str | None) -> Any:
    """What cuts text into tokens: that of the run, or of Hugging Face beside the model.

    Raises:
        InputError: If there is none.
    """
    from somite.cli.trained import trained_run
    from somite.models.hugging_face import reachable

    if _is_run(where):
        return trained_run(Path(where)).corpus.tokenizer
    try:
        from transformers import AutoTokenizer

        here = not reachable(where)
        return AutoTokenizer.from_pretrained(where, revision=revision, local_files_only=here)
    except ImportError as error:
        remedy = "Run `pip install somite[hf]`."
        raise InputError("tokenizer", "needs the package transformers", where, remedy) from error
    except (OSError, ValueError, KeyError) as error:
        remedy = "Save the tokenizer in the model's folder."
        raise InputError("tokenizer", "must lie beside the model", where, remedy) from error


def _beside(series: str) -> str:
    """Where the tokenizer of a series lies: in its folder, in a checkpoint, or on the Hub."""
    inside = sorted(Path(series).glob("*/tokenizer*.json"))
    if inside and not list(Path(series).glob("tokenizer*.json")):
        return str(inside[-1].parent)
    return series


def _together(rows: dict[str, "Tensor"]) -> "Tensor":
    """All texts in equal parts."""
    import torch

    fewest = min(len(part) for part in rows.values())
    return torch.stack([part[:fewest] for part in rows.values()], 1).flatten(0, 1)


def _tell(table: "xr.Dataset", as_json: bool) -> None:
    """The estimates, one line each."""
    from rich.table import Table

    frame = table[list(SHOWN)].to_dataframe().reset_index()
    if as_json:
        _print(frame.to_json(orient="records"))
        return
    shown = Table(*frame.columns, box=None)
    for row in frame.itertuples(index=False):
        shown.add_row(*(f"{x:.3g}" if isinstance(x, float) else str(x) for x in row))
    console.print(shown, markup=False)


def _print(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
