"""Tables in the terminal say what the report says."""

from rich.console import Console

from somite.cli.tables import show_results
from unit.report.synthetic import synthetic_results


def test_a_view_that_could_not_be_grouped_is_named_below_the_agreement() -> None:
    results = synthetic_results()
    results.groups.attrs["refined_left_out"] = "refined must vary, got [0]. Draw more."
    console = Console(width=200)
    with console.capture() as shown:
        show_results(results, console)
    last = shown.get().rstrip().splitlines()[-1]
    assert last.endswith("are left out: refined must vary, got [0]. Draw more.")


def test_verdicts_are_counted_and_cells_marked() -> None:
    results = synthetic_results()
    results.llc["verdict"].loc[{"component": "0:1", "step": results.llc.step[-1]}] = "don't use"
    console = Console(width=200)
    with console.capture() as shown:
        show_results(results, console)
    lines = shown.get().splitlines()
    assert "0:1×" in next(line for line in lines if " 0:1" in line)
    assert not any(mark in next(line for line in lines if " 0:4 " in line) for mark in "∗×")
    (chains,) = [line.split() for line in lines if line.startswith(" chains")]
    assert chains[1:4] == ["381", "1", "2"]
    (center,) = [line for line in lines if line.startswith(" center")]
    assert center.rstrip().endswith("… % of the draws have a lower loss than the center")
