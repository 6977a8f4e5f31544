"""A series of 40 revisions of a model of 14M weights, from a Hub that fails and through a kill.

    python benchmarks/revisions.py [--tiny] [--out FOLDER]

A Hub on this machine serves GPT-NeoX models of the shape of Pythia-14M, in half precision as the
real ones are. One download in ten fails, half of these after half of the file. A process walks
through the series, is killed at a checkpoint drawn at random, and is started again. Compared are
the weights of every step; counted are the revisions on disk whenever weights are asked for, the
largest size of the cache, and how often weights were fetched. Needs the extra `hf`.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from record import options, show, store
from safetensors.torch import save
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from somite.core.fingerprint import fingerprint
from somite.core.random import stream_seed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from unit.training.fake_hub import REPO, FakeHub, serving

PYTHIA = {"vocab_size": 50304, "hidden_size": 128, "num_hidden_layers": 6,
          "num_attention_heads": 4, "intermediate_size": 512}  # fmt: skip
TINY = {"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32}  # fmt: skip
REVISIONS, EVERY, MARKED = 40, 10, "gpt_neox.final_layer_norm.bias"
PROGRAM = """
import sys
import somite as so
from somite.core.fingerprint import fingerprint
repo, endpoint, record, last = sys.argv[1:]
for step, model in so.checkpoints(repo, endpoint=endpoint, record=record):
    print(step, fingerprint(model.half().state_dict()), flush=True)
    if step == int(last):
        sys.stdin.read()
"""


def series(shape: dict[str, int], count: int) -> tuple[dict[str, dict[str, bytes]], dict[int, str]]:
    """Files of each revision, and the fingerprint of its weights."""
    with torch.random.fork_rng():
        torch.random.manual_seed(stream_seed("revisions"))
        model = GPTNeoXForCausalLM(GPTNeoXConfig(**shape, torch_dtype="float16")).half()
    files: dict[str, dict[str, bytes]] = {"main": {}}
    marks, config = {}, model.config.to_json_string().encode()
    for number in range(count):
        step = 1000 * number
        weights = model.state_dict() | {MARKED: torch.full((shape["hidden_size"],), number).half()}
        marks[step] = fingerprint(weights)
        files[f"step{step}"] = {"config.json": config, "model.safetensors": save(weights)}
    return files, marks


@contextmanager
def largest(folder: Path, found: dict[str, int]) -> Any:
    """Note the largest size of a folder meanwhile [bytes]."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            found["most"] = max(found.get("most", 0), size(folder))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def size(folder: Path) -> int:
    """Bytes on disk; files that go meanwhile are not there."""
    sizes = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                sizes += os.lstat(Path(where, name)).st_size
    return sizes


def walk(hub: FakeHub, record: Path, last: int) -> dict[int, str]:
    """Fingerprints of what a process has loaded, which is killed once it has the last step."""
    command = [sys.executable, "-c", PROGRAM, REPO, hub.endpoint, str(record), str(last)]
    environment = {**os.environ, "SOMITE_CACHE": str(hub.cache)}
    found = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env=environment) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            step, mark = line.split()
            found[int(step)] = mark
            if int(step) == last:
                process.send_signal(signal.SIGKILL)
    return found


def measure(shape: dict[str, int], count: int, folder: Path) -> dict[str, Any]:
    """Walk through the series with one kill; what was found and what it took."""
    files, marks = series(shape, count)
    chance = random.Random(stream_seed("revisions", "killed"))
    faults = {n: ("busy", "cut")[n // EVERY % 2] for n in range(3, 4 * count, EVERY)}
    hub = FakeHub(files, folder / "cache", faults.get)
    killed, most = chance.choice(list(marks)[1:-1]), {"most": 0}
    begin = time.perf_counter()
    with serving(hub), largest(folder / "cache", most):
        found = walk(hub, folder / "record", killed)
        again = walk(hub, folder / "record", -1)
    return {
        "revisions": count,
        "weights": sum(p.numel() for p in GPTNeoXForCausalLM(GPTNeoXConfig(**shape)).parameters()),
        "same weights": found | again == marks,
        "killed at step": killed,
        "done again": len(found) + len(again) - count,
        "downloads": len(hub.weights_asked),
        "failed": sum(number in faults for number in range(len(hub.weights_asked))),
        "most on disk": max(hub.held),
        "largest cache, checkpoints": most["most"] / len(files["step0"]["model.safetensors"]),
        "left on disk": size(folder / "cache"),
        "seconds": time.perf_counter() - begin,
    }


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__).parse_args()
    shape, count = (TINY, 6) if arguments.tiny else (PYTHIA, REVISIONS)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(shape, count, Path(folder))
    show([{"what": name, "found": value} for name, value in found.items()], ("what", "found"))
    print(store("revisions", found, arguments.out))


if __name__ == "__main__":
    main()
