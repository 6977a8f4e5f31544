import pytest

from somite.core.errors import InputError
from somite.sweeps import SweepDesign, design_names, load_design
from somite.sweeps.run import check, models_of

TEXT = """
subject = "parity"
seeds = [0, 1]
[factors]
hidden = [8, 12]
l2 = [0.0, 1e-3]
"""


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_grid_has_all_combinations_and_each_seed_is_a_replicate(tmp_path):
    design = load_design(written(tmp_path, TEXT))
    assert design.settings()[2] == {"hidden": 12, "l2": 0.0}
    models = models_of(design)
    assert [m.seed for m in models] == [0] * 4 + [1] * 4


def test_a_random_design_draws_without_repetition_and_always_the_same():
    factors = {"hidden": (8, 9, 10, 11), "steps": (10, 20, 30)}
    design = SweepDesign("parity", kind="random", factors=factors, models=5)
    drawn = design.settings()
    assert len({tuple(one.values()) for one in drawn}) == 5
    assert drawn == design.settings()


def test_a_list_has_its_models(tmp_path):
    text = 'subject = "parity"\nkind = "list"\n[[models]]\nhidden = 8\n[[models]]\nhidden = 9\n'
    design = load_design(written(tmp_path, text))
    assert design.settings() == [{"hidden": 8}, {"hidden": 9}]
    assert design.names == ["hidden"]


@pytest.mark.parametrize("name", design_names())
def test_shipped_designs_can_be(name):
    design = load_design(name)
    check(design, models_of(design))
    assert design.description


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("hidden", "hiden"), "Did you mean 'hidden'"),
        (TEXT.replace("[8, 12]", '["wide", 8]'), "must be of type int"),
        (TEXT.replace("[8, 12]", "[8, 8]"), "must be different values"),
        (TEXT.replace("[0, 1]", "[0, 0]"), "none twice"),
        (TEXT.replace("[0, 1]", "[]"), "at least one"),
        (TEXT.replace('"parity"', '"partiy"'), "Did you mean 'parity'"),
        (TEXT.replace("seeds", "seed"), "Did you mean 'seeds'"),
        (TEXT.replace("[factors]", "[base]"), "must have"),
        (TEXT + "[base]\nhidden = 9", "must not set a factor"),
        (TEXT.replace('subject = "parity"\n', ""), "must be named"),
        ("tolerance = -1.0\n" + TEXT, "tolerance must be zero or more"),
        ("subject =", "must be TOML"),
        ('subject = "language"\n[factors]\n"model.n_heads" = [1]', "recipe must be named"),
        ('kind = "random"\n' + TEXT, "number must be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        check(design := load_design(written(tmp_path, text)), models_of(design))


def test_more_models_than_allowed_are_refused(tmp_path):
    design = load_design(written(tmp_path, TEXT))
    with pytest.raises(InputError, match=r"at most 7 models, got 8\. Raise --max-cells"):
        check(design, models_of(design), 7)


def test_a_design_that_is_not_there_names_the_shipped_ones():
    with pytest.raises(InputError, match="parity-minutes"):
        load_design("no-such-sweep")
