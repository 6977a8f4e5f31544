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
