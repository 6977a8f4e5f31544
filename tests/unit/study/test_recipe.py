import pytest

from somite.components import components
from somite.core.errors import InputError
from somite.study.context import initial_model
from somite.study.recipe import build, load_recipe, recipe_names
from somite.study.sections import GroupsConfig, StagesConfig

GOOD = 'description = "mine"\n[data]\ndomains = ["code"]\n[training]\nsteps = 100\n'


def own(tmp_path, text=GOOD, name="mine.toml"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_own_file_takes_its_name_from_the_file(tmp_path):
    recipe = load_recipe(own(tmp_path))
    assert (recipe.name, recipe.description) == ("mine", "mine")
    assert recipe.data.domains == ("code",)
    assert recipe.training.steps == 100


def test_what_is_not_set_is_the_default(tmp_path):
    assert load_recipe(own(tmp_path, "")) == build({"name": "mine"})


def test_settings_survive_the_store():
    recipe = load_recipe("language-small")
    assert build(recipe.plain()) == recipe


@pytest.mark.parametrize(
    ("key", "text", "read"),
    [
        ("sampling.n_beta", "60", lambda r: r.sampling.n_beta == 60.0),
        ("training.steps", "6_0", lambda r: r.training.steps == 60),
        ("data.domains", '["code", "wiki"]', lambda r: r.data.domains == ("code", "wiki")),
        ("data.texts", '{mine = "a=b"}', lambda r: r.data.texts == {"mine": "a=b"}),
        ("data.texts.mine", "folder", lambda r: r.data.texts == {"mine": "folder"}),
        ("sampling.components", "heads", lambda r: r.sampling.components == "heads"),
        ("sampling.components", "0:*", lambda r: r.sampling.components == "0:*"),
        ("model.bias", "true", lambda r: r.model.bias is True),
    ],
)
def test_overrides_are_toml_or_else_text(key, text, read):
    assert read(load_recipe("smoke", {key: text}))


def test_the_seed_of_the_study_is_that_of_every_section():
    recipe = load_recipe("smoke", {"seed": "3", "sampling.seed": "5"})
    seeds = [getattr(recipe, name).seed for name in ("data", "training", "behavior", "groups")]
    assert seeds == [3, 3, 3, 3]
    assert recipe.sampling.seed == 5


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("sampling.nbeta", "1", r"sampling\.nbeta must be a setting .* got 1\..*'n_beta'"),
        ("samplign.n_beta", "1", r"samplign must be a key of a recipe.*'sampling'"),
        ("sampling", "1", r"sampling must be a section of settings, got 1"),
        ("sampling.n_beta.x", "1", r"sampling\.n_beta must be of type float|Leave out"),
        ("training.steps.x", "1", r"training\.steps\.x must not go below steps"),
        ("sampling.chains", "two", r"sampling\.chains must be of type int, got 'two'"),
        ("sampling.chains", "2.0", r"sampling\.chains must be of type int, got 2\.0"),
        ("sampling.chains", "true", r"sampling\.chains must be of type int, got True"),
        ("sampling.n_beta", "true", r"sampling\.n_beta must be of type float, got True"),
        ("sampling.n_beta", "", r"sampling\.n_beta must be of type float, got ''"),
        ("model.bias", "1", r"model\.bias must be of type bool"),
        ("data.domains", "code", r"data\.domains must be of type tuple"),
        ("data.domains", "[1]", r"data\.domains must be of type tuple"),
        ("data.texts", "[1]", r"data\.texts must be of type Mapping"),
        ("name", "3", r"name must be of type str"),
        ("sampling.n_beta", "-1", r"sampling\.n_beta must be positive, got -1\.0"),
        ("sampling.n_beta", "0", r"n_beta must be positive, got 0\.0\. .*control run"),
        ("sampling.n_beta", "nan", r"sampling\.n_beta must be positive, got nan"),
        ("sampling.n_beta", "inf", r"sampling\.n_beta must be positive, got inf"),
        ("sampling.step_size", "0", r"sampling\.step_size must be positive, got 0"),
        ("sampling.localization", "-1", r"sampling\.localization must be zero or more"),
        ("sampling.draws", "7", r"sampling\.draws must be a whole number of at least 8"),
        ("sampling.chains", "0", r"sampling\.chains must be a whole number of at least 1"),
        ("sampling.burn_in", "-1", r"sampling\.burn_in must be a whole number of at least 0"),
        ("refined.rows", "0", r"refined\.rows must be a whole number of at least 1"),
        ("refined.draws", "1", r"refined\.draws must be a whole number of at least 8"),
        ("modules.draws", "7", r"modules\.draws must be a whole number of at least 8"),
        ("refined.burn_in", "-1", r"refined\.burn_in must be a whole number of at least 0"),
        ("behavior.rows", "1", r"behavior\.rows must be a whole number of at least 2"),
        ("behavior.examples", "0", r"behavior\.examples must be a whole number of at least 1"),
        ("stages.bootstraps", "19", r"stages\.bootstraps must be a whole number of at least 20"),
        ("stages.max_boundaries", "-1", r"stages\.max_boundaries must be a whole number"),
        ("groups.max_groups", "1", r"groups\.max_groups must be a whole number of at least 2"),
        ("groups.bootstraps", "1", r"groups\.bootstraps must be a whole number of at least 2"),
        ("checkpoints.n_linear", "0", r"checkpoints\.n_linear must be a whole number"),
        ("checkpoints.n_log", "-1", r"checkpoints\.n_log must be a whole number"),
        ("training.steps", "1", r"checkpoints must keep at least 3 steps, got 2\. Raise"),
        ("seed", "-1", r"seed must be a whole number of at least 0"),
        ("model.n_layers", "0", r"model\.n_layers must be"),
        ("model.positions", "rotery", r"model\.positions must be .*'rotary'"),
        ("data.context", "1", r"data\.context must be a whole number of at least 2"),
        ("data.vocab_size", "255", r"data\.vocab_size must be a whole number of at least 256"),
        ("data.domains", "[]", r"data\.domains must name a domain"),
        ("data.domains", '["coed"]', r"data\.domains must be a known name.*'code'"),
        ("data.repeats_share", "1.0", r"data\.repeats_share must be at least 0 and below 1"),
    ],
)
def test_bad_settings_are_refused_before_any_work(key, text, words):
    with pytest.raises(InputError, match=words) as caught:
        load_recipe("smoke", {key: text})
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(InputError, match=r"recipe must be .* got 'smok'\. .*'smoke'.*\.toml file"):
        load_recipe("smok")


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe\x00", b"[data\n"])
def test_a_file_that_is_no_toml_is_refused(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"recipe must be (valid TOML|a readable file)") as caught:
        load_recipe(str(path))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"recipe must be a readable file.*shipped recipe"):
        load_recipe(str(tmp_path / "none.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(InputError, match="recipe must be a readable file"):
        load_recipe(str(tmp_path / "folder.toml"))


def test_the_recipe_with_mlps_differs_in_them_and_in_its_components_alone():
    plain, mlp = (load_recipe(name).plain() for name in ("language-small", "language-small-mlp"))
    assert mlp["model"] == plain["model"] | {"d_mlp": 256}
    which = {"components": "heads,neuron_groups:4"}
    pace = {"step_size": 0.024, "friction": 53.0, "burn_in": 26}
    assert mlp["sampling"] == plain["sampling"] | which | pace
    assert mlp["modules"] == plain["modules"] | which
    rest = plain.keys() - {"name", "description", "model", "sampling", "modules", "refined"}
    assert {key: mlp[key] for key in rest} == {key: plain[key] for key in rest}
    masks = components(initial_model(load_recipe("language-small-mlp")), which["components"])
    assert len(masks) == 16 + 8
    assert {mask.size for mask in masks.values()} == {8192, 64 * (64 + 1 + 64)}


def test_the_large_recipe_is_the_published_shape():
    model = initial_model(load_recipe("language"))
    assert sum(weight.numel() for weight in model.parameters()) == 3_355_016


def test_shipped_recipes_are_listed_in_order():
    assert recipe_names() == sorted(recipe_names())


def test_sections_check_themselves():
    with pytest.raises(InputError, match="bootstraps"):
        StagesConfig(bootstraps=1)
    with pytest.raises(InputError, match="max_groups"):
        GroupsConfig(max_groups=0)


def test_the_initial_scale_multiplies_matrices_and_no_vectors():
    plain, scaled = (
        initial_model(load_recipe("smoke", {"training.initial_scale": text})) for text in ("1", "2")
    )
    for (name, weight), other in zip(plain.named_parameters(), scaled.parameters(), strict=True):
        factor = 2 if weight.ndim > 1 else 1
        assert bool((factor * weight == other).all()), name
