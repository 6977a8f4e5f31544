"""Heads and an MLP of SmolLM2-135M on three domains of text: rLLCs, time and memory.

    python benchmarks/smollm2.py [--domains D ...] [--threads N] [--tiny] [--out FOLDER]

Fetches the model and the text if they are not in the cache. Needs the extra `hf`. Minibatches of a
few rows differ far more in slope than in curvature, and a head of such a model changes the loss by
a thousandth: without control variates the noise is many times the coefficient.
"""

import resource
import time
from typing import Any

import torch
import xarray as xr
from record import options, show, store
from speed.bars import bar, show_bars
from torch import Tensor, nn
from transformers import AutoTokenizer

import somite as so
from somite.data import domain_documents
from somite.data.listing import PRETRAINED

COMPONENTS = ("8:4", "15:2", "22:7", "29:1", "29:mlp")
TEXTS = ("code", "drama", "legal")
CONTEXT, ROWS, BATCH, CHAINS, BURN_IN, DRAWS = 64, 128, 4, 2, 5, 20
N_BETA, LOCALIZATION, STEP_SIZE, FRICTION = 100.0, 300.0, 0.03, 45.0
COLUMNS = ("domain", "component", "llc", "mcse", "relative", "r_hat", "verdict")
GIB = 2**30
Row = dict[str, Any]


def measure(model: nn.Module, domain: str, rows: Tensor, draws: int) -> list[Row]:
    """Coefficients of the components on one domain."""
    parts = so.components(model, "parts")
    masks = {name: parts[name] for name in COMPONENTS}
    target = so.Target(so.next_token_loss, rows, N_BETA, LOCALIZATION)
    kernel = so.BAOAB(STEP_SIZE, friction=FRICTION)
    found = so.sample(
        model, target, kernel, components=masks, batch_size=BATCH, chains=CHAINS, burn_in=BURN_IN,
        draws=draws, probe_every=draws, control_variates=True,
    )  # fmt: skip
    return [{"domain": domain, **row(so.llc(found).sel(component=name))} for name in COMPONENTS]


def row(estimate: xr.Dataset) -> Row:
    """One coefficient with its error and the state of its chains."""
    llc, mcse = float(estimate.llc), float(estimate.mcse)
    told = {name: str(estimate[name].item()) for name in ("verdict", "reason")}
    name = str(estimate.component.item())
    return {"component": name, "llc": llc, "mcse": mcse, "relative": mcse / llc,
            "r_hat": float(estimate.r_hat), **told}  # fmt: skip


def main() -> None:
    """Measure, print and store."""
    parser = options(__doc__)
    parser.add_argument("--domains", nargs="+", default=TEXTS, choices=TEXTS)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = PRETRAINED["smollm2"].fetch()
    begin = time.perf_counter()
    model = so.load_model(folder)
    loading = time.perf_counter() - begin
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts, draws = (TEXTS[:1], 4) if arguments.tiny else (arguments.domains, DRAWS)
    table: list[Row] = []
    for domain in texts:
        rows = so.token_rows(domain_documents(domain), tokenizer, context=CONTEXT, rows=ROWS)
        table += measure(model, domain, rows, draws)
        show(table[-len(COMPONENTS) :], COLUMNS)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB
    bars = [
        bar(3, "SmolLM2: seconds to load", loading, most=10),
        bar(3, "SmolLM2: minutes, all components and domains", seconds / 60, most=20),
        bar(3, "SmolLM2: largest MCSE / rLLC", max(r["relative"] for r in table), most=0.1),
        bar(3, "SmolLM2: memory of the process, GiB", peak, most=4),
    ]
    show_bars(bars)
    print(store("smollm2", {"bars": bars, "estimates": table}, arguments.out))


if __name__ == "__main__":
    main()
