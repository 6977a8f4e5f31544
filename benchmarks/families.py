"""Heads of Hugging Face models, sampled by somite and by devinterp 2.0.1: the same coefficients?

    python benchmarks/families.py [--tiny] [--out FOLDER]

Small trained models of three families, whose masks devinterp cuts rightly. Both sample the same
target with SGLD, burn-in 0, one chain after another with minibatches and noise of its own, of every
head; devinterp's loss at the center is that of the whole data. z is the difference over the errors
that the spread of chains gives.

Three things of devinterp's are kept out of the comparison. It puts the model into training mode, so
that GPT-2 is built without dropout. It walks over the data without replacement, so that a minibatch
is one that the chain has not seen for long and its loss is too large; there are more data than a
chain sees. Its default seed gives all heads the same minibatches, so that all z of a model err
together; here each head has seeds of its own. Needs the extras `bench` and `hf`.
"""

import contextlib
import io
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import options, show, store
from speed.heads_model import text
from torch import Tensor, nn

import somite as so
from somite.core.random import stream_seed
from somite.models import TransformerConfig

SHAPES: dict[str, dict[str, Any]] = {
    "gpt_neox": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 6,
                 "intermediate_size": 96},
    "gpt2": {"n_embd": 48, "n_layer": 2, "n_head": 6, "n_positions": 32,
             "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0},
    "llama": {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 6,
              "num_key_value_heads": 6, "intermediate_size": 96},
}  # fmt: skip
TEXT = TransformerConfig(vocab_size=64, context=32)
ROWS, BATCH, TRAINING, CHAINS, DRAWS = 4096, 32, 300, 12, 100
N_BETA, LOCALIZATION, STEP_SIZE = 100.0, 300.0, 2e-3
COLUMNS = ("family", "head", "size", "same mask", "somite", "error", "devinterp", "its error", "z")
Row = dict[str, Any]


def trained(family: str, rows: Tensor, steps: int) -> nn.Module:
    """A model of a family after a short training."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(family, vocab_size=TEXT.vocab_size, **SHAPES[family])
    config.use_cache = False
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(stream_seed("families", family))
        model: nn.Module = AutoModelForCausalLM.from_config(config)
        optimizer = torch.optim.AdamW(model.eval().parameters(), lr=3e-3)
        for _ in range(steps):
            optimizer.zero_grad()
            so.next_token_loss(model, rows[torch.randint(len(rows), (64,))]).mean().backward()
            optimizer.step()
    return model


def ours(model: nn.Module, rows: Tensor, chains: int, draws: int) -> dict[str, np.ndarray]:
    """Coefficient of every chain, by head."""
    target = so.Target(so.next_token_loss, rows, N_BETA, LOCALIZATION)
    found = {}
    for number, name in enumerate(so.components(model, "heads")):
        draws_of = so.sample(
            model, target, so.SGLD(STEP_SIZE), components=name, batch_size=BATCH, chains=chains,
            burn_in=0, draws=draws, seed=number, probes={"reference": rows[:16]},
        )  # fmt: skip
        found[name] = N_BETA * draws_of.loss.mean("draw").values.ravel()
    return found


def theirs(
    model: nn.Module, rows: Tensor, masks: dict[str, Tensor], chains: int, draws: int, seed: int
) -> np.ndarray:
    """Its coefficient of every chain of one head; chain c has the seed `seed` + c."""
    from datasets import Dataset
    from devinterp.slt.llc import llc

    data = Dataset.from_dict({"input_ids": rows.tolist()}).with_format("torch")
    quiet = contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO())
    with quiet[0], quiet[1], warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        with torch.random.fork_rng(devices=[]):
            found = llc(
                model, data, {}, lr=STEP_SIZE, n_beta=N_BETA, localization=LOCALIZATION,
                param_masks=masks, num_chains=chains, num_draws=draws, batch_size=BATCH,
                num_init_loss_batches=len(rows) // BATCH, device="cpu",
                match_sampling_input_ids_across_chains=False,
                output_path=Path(folder, "samples.zarr"), init_seed=seed,
            )  # fmt: skip
    return np.asarray(found.llc_per_chain.values)


def compared(family: str, tiny: bool) -> list[Row]:
    """Both sides on every head of a family."""
    from devinterp.slt.weight_restrictions import create_param_masks

    rows = text(TEXT, ROWS)
    model = trained(family, rows, 20 if tiny else TRAINING)
    chains, draws = (2, 8) if tiny else (CHAINS, DRAWS)
    found = ours(model, rows, chains, draws)
    table = []
    for number, (name, mask) in enumerate(so.components(model, "heads").items()):
        if tiny and name != "0:1":
            continue
        layer, head = name.split(":")
        masks = create_param_masks(model, f"l{layer}h{head}")
        their = theirs(model, rows, masks, chains, draws, seed=chains * number)
        a, b = (float(x.std(ddof=1) / chains**0.5) for x in (found[name], their))
        gap = float(found[name].mean() - their.mean())
        table.append({
            "family": family, "head": name, "size": mask.size, "same mask": same(mask, masks),
            "somite": float(found[name].mean()), "error": a, "devinterp": float(their.mean()),
            "its error": b, "z": gap / float(np.hypot(a, b)),
        })  # fmt: skip
    return table


def same(mask: so.Mask, masks: dict[str, Tensor | None]) -> bool:
    """Whether both selected the same weights."""
    chosen = {name: part for name, part in masks.items() if part is not None and bool(part.any())}
    entries = mask.entries
    return chosen.keys() == entries.keys() and all(
        torch.equal(chosen[name].bool(), part) for name, part in entries.items()
    )


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__).parse_args()
    torch.set_num_threads(1)
    begin = time.perf_counter()
    rows = [row for family in SHAPES for row in compared(family, arguments.tiny)]
    show(rows, COLUMNS)
    z = np.array([row["z"] for row in rows])
    found = {
        "heads": len(rows), "mean z": float(z.mean()), "largest |z|": float(np.abs(z).max()),
        "sd of z": float(z.std(ddof=1)), "same masks": sum(row["same mask"] for row in rows),
    }  # fmt: skip
    print(found)
    record = {"summary": found, "rows": rows, "seconds": time.perf_counter() - begin}
    print(store("families", record, arguments.out), flush=True)


if __name__ == "__main__":
    main()
