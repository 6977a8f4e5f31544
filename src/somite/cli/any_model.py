"""`somite components`, `somite llc`, `somite track`: any model, any series of checkpoints."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.tree import Tree

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.study.sections import SamplingConfig

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor, nn

    from somite.calibration import Calibration
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


@dataclass(frozen=True)
class AnyConfig(SamplingConfig):
    """Sampler settings for a model of the user's, and how its text is cut.

    Args:
        context: Tokens per row.
        threads: Threads of PyTorch; 0 for one on each core.
    """

    n_beta: float = 100.0
    localization: float = 300.0
    kernel: str = "BAOAB"
    step_size: float = 0.03
    friction: float = 45.0
    rows: int = 512
    probe_rows: int = 16
    draws: int = 200
    context: int = 128
    threads: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        super().__post_init__()
        at_least("context", self.context, 2, "A token is predicted from those before it.")
        at_least("threads", self.threads, 0)


def components_command(model: Model, revision: Revision = None, as_json: Json = False) -> None:
    """Show the components of a model, with their numbers of weights."""
    from somite.components import components

    loaded, kinds = _opened(model, revision)[0], {}
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

    loaded, tokenizer = _opened(model, revision)
    work = _Work(checkpoints({0: loaded}), tokenizer, components, settings, calibrate)
    table = work.run(data, out, quiet=as_json)
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
    from somite.report import build_report
    from somite.study import load_results
    from somite.study.folder import writable
    from somite.study.track import LEAST_STEPS
    from somite.training.open_series import checkpoints

    found = checkpoints(series, pattern=pattern)
    at_least("number of checkpoints", len(found.steps()), LEAST_STEPS, "Use `somite llc` for one.")
    work = _Work(found, _tokenizer(_beside(series), None), components, settings, calibrate)
    table = work.run(data, out, quiet=as_json)
    with writable(out):
        report = build_report(load_results(out), out / "report.html")
    _tell(table, as_json)
    if not as_json:
        _print(f"The report is at {report}")


@dataclass
class _Work:
    """A series, and what was asked of it on the command line."""

    series: "Checkpoints"
    tokenizer: Any
    components: str
    settings: list[str] | None
    calibrate: bool

    def run(self, data: list[str], out: Path, quiet: bool) -> "xr.Dataset":
        """Sample what is missing; the estimates of the last checkpoint, also by domain."""
        from somite.cli.progress import TerminalWatch
        from somite.components import components
        from somite.models import next_token_loss
        from somite.sampling import Target
        from somite.study import load_estimates
        from somite.study.track import track

        config = self._config()
        rows = _texts(data, self.tokenizer, config)
        target = Target(next_token_loss, _together(rows), config.n_beta, config.localization)
        kernel = config.sampler()
        names = ("batch_size", "chains", "burn_in", "draws", "probe_every", "seed")
        chain = {name: getattr(config, name) for name in names}
        # What the model does not have is refused before anything is written.
        components(self.series.load(self.series.steps()[-1]), self.components)
        if self.calibrate:
            found = self._calibrated(target, config, quiet)
            target, kernel = found.target(target.loss, target.data), found.kernel
            chain |= found.settings
        domains = rows if len(rows) > 1 else {}
        with TerminalWatch(Console(stderr=True) if quiet else console) as watch:
            track(
                self.series, target, kernel, out, components=self.components, domains=domains,
                threads=config.threads or None, watch=watch, **chain,
            )  # fmt: skip
        return load_estimates(out)

    def _config(self) -> AnyConfig:
        """Sampler settings of the command line."""
        from somite.cli.options import pair
        from somite.study.recipe import section

        found: AnyConfig = section("sampling", AnyConfig, dict(map(pair, self.settings or [])))
        return found

    def _calibrated(self, target: "Target", config: AnyConfig, quiet: bool) -> "Calibration":
        """Settings found from a few checkpoints, said as they are."""
        from somite.calibration import calibrate
        from somite.cli.calibrate import watched
        from somite.cli.trained import spread_steps

        steps = spread_steps(list(self.series.steps()), CALIBRATED)
        models = {str(step): self.series.load(step) for step in steps}
        with watched() as say:
            found = calibrate(
                models, target.loss, target.data, components=self.components, map=False,
                say=None if quiet else say, seed=config.seed, batch_size=config.batch_size,
                chains=config.chains,
            )  # fmt: skip
        for sentence in found.words if not quiet else ():
            _print(f"- {sentence}")
        return found


def _opened(model: str, revision: str | None) -> tuple["nn.Module", Any]:
    """A model and its tokenizer: the last checkpoint of a run, or one of Hugging Face."""
    from somite.models import load_model
    from somite.study.folder import MARKER
    from somite.training.open_series import checkpoints

    if (Path(model) / MARKER).is_file():
        series = checkpoints(model)
        return series.load(series.steps()[-1]), _tokenizer(model, None)
    return load_model(model, revision), _tokenizer(model, revision)


def _tokenizer(where: str, revision: str | None) -> Any:
    """What cuts text into tokens: that of the run, or of Hugging Face beside the model.

    Raises:
        InputError: If there is none.
    """
    from somite.cli.trained import trained_run
    from somite.study.folder import MARKER

    if (Path(where) / MARKER).is_file():
        return trained_run(Path(where)).corpus.tokenizer
    try:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(where, revision=revision)
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


def _texts(given: list[str], tokenizer: Any, config: AnyConfig) -> dict[str, "Tensor"]:
    """Rows of tokens of every text file, by its name.

    Raises:
        InputError: If a file cannot be read, or two have the same name.
    """
    from somite.data import token_rows

    found: dict[str, Tensor] = {}
    for text in given:
        name, equals, file = text.partition("=")
        path = Path(file if equals else text)
        name = name if equals else path.stem
        if name in found:
            remedy = "Write NAME=FILE with different names."
            raise InputError("--data", "must name each text once", name, remedy)
        try:
            words = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            rule = "must be a text file that can be read"
            raise InputError("--data", rule, str(path), "Check the path.") from error
        packed = token_rows([words], tokenizer, config.context, config.rows)
        assert not isinstance(packed, dict)
        found[name] = packed
    return found


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
