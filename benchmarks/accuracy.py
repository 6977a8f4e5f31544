"""How accurate are the estimates? One question per file in `questions`; truth is known in each.

    python benchmarks/accuracy.py [QUESTION ...] [--tiny] [--out FOLDER]

Questions: deep_linear, superposition, coverage, samplers, peer; all by default. `peer` needs the
extra `bench`, and the results of `deep_linear`. Each writes accuracy_QUESTION.json.
"""

import importlib
import time
from pathlib import Path

import torch
from record import options, show, store

TABLES = {
    "superposition": {"points": "COLUMNS", "weak_localization": "WEAK_COLUMNS"},
    "deep_linear": {"networks": "COLUMNS", "block_centers": "COLUMNS"},
    "coverage": {"settings": "COLUMNS"},
    "samplers": {"runs": "COLUMNS"},
    "peer": {"networks": "COLUMNS"},
}
"""Questions in their order; for each the tables to print, and the name of their columns."""


def main() -> None:
    """Ask, print and store."""
    parser = options(__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(TABLES))
    arguments = parser.parse_args()
    if unknown := set(arguments.questions) - set(TABLES):
        parser.error(f"no question {', '.join(sorted(unknown))}: take {', '.join(TABLES)}")
    torch.set_num_threads(1)
    for name in arguments.questions or TABLES:
        ask(name, arguments.out, tiny=arguments.tiny)


def ask(name: str, out: Path, *, tiny: bool) -> None:
    """One question: its numbers, its tables, its file."""
    question, begin = importlib.import_module(f"questions.{name}"), time.process_time()
    found = question.run(tiny, out)
    found["seconds"] = time.process_time() - begin
    for rows, columns in TABLES[name].items():
        print(f"\n{name}: {rows.replace('_', ' ')}")
        show(found[rows], getattr(question, columns))
    if "summary" in found:
        print(f"\n{name}: summary")
        show([{"of": key, **value} for key, value in found["summary"].items()],
             ["of", *next(iter(found["summary"].values()))])  # fmt: skip
    print(f"{found['seconds']:.0f} s; {store(f'accuracy_{name}', found, out)}", flush=True)


if __name__ == "__main__":
    main()
