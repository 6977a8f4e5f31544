import json
import shutil

import pytest
import torch

from somite.core.errors import InputError
from somite.training.checkpoints import CheckpointSeries
from somite.training.open_series import checkpoints
from unit.training import tiny


def test_a_training_of_one_s_own(tmp_path):
    written, _ = tiny.run(tmp_path)
    found = checkpoints(written, model=tiny.new_model())
    assert found.steps() == tiny.KEEP
    for step, model in found:
        stored = written.weights(step)
        assert all(torch.equal(t, stored[name]) for name, t in model.state_dict().items())
    assert checkpoints(written, model=tiny.new_model, steps=[10, 0]).steps() == [0, 10]


def test_a_finished_run_knows_its_model(smoke_run):
    found = checkpoints(smoke_run)
    folder = smoke_run / json.loads((smoke_run / "study.json").read_text())["training"]
    series = CheckpointSeries(folder)
    assert found.steps() == series.steps()
    step = found.steps()[-1]
    stored = series.weights(step)
    assert all(torch.equal(t, stored[n]) for n, t in found.load(step).state_dict().items())


def test_an_unfinished_run_needs_a_model(smoke_copy):
    model = checkpoints(smoke_copy).load(0)
    (smoke_copy / "study.json").unlink()
    with pytest.raises(InputError, match="model must be given where the run is not finished"):
        checkpoints(smoke_copy)
    assert checkpoints(smoke_copy, model=model).steps()[0] == 0


def test_several_trainings_must_be_told_apart(smoke_copy):
    (smoke_copy / "study.json").unlink()
    training = next(smoke_copy.glob("training-*"))
    shutil.copytree(training, smoke_copy / "training-x")
    words = r"source must hold one training, got '.*training-x in"
    with pytest.raises(InputError, match=words):
        checkpoints(smoke_copy, model=tiny.new_model())


def test_a_manifest_without_settings(smoke_copy):
    manifest = json.loads((smoke_copy / "study.json").read_text())
    for broken in ({"settings": {}}, {"settings": {"data": {}, "model": {}}}):
        (smoke_copy / "study.json").write_text(json.dumps({**manifest, **broken}))
        with pytest.raises(InputError, match="run must record its model"):
            checkpoints(smoke_copy)


def test_another_model_is_refused(tmp_path):
    written, _ = tiny.run(tmp_path)
    with pytest.raises(InputError, match=r"weights of the model \(step-00000000\), got 'missing"):
        checkpoints(written, model=torch.nn.Linear(2, 1))
    with pytest.raises(InputError, match="model must be given for a training of one's own"):
        checkpoints(written)


def test_no_checkpoints_yet(tmp_path):
    with pytest.raises(InputError, match="source must hold checkpoints"):
        checkpoints(CheckpointSeries(tmp_path), model=tiny.new_model())


def test_steps_that_are_not_there(tmp_path):
    written, _ = tiny.run(tmp_path)
    with pytest.raises(InputError, match="step must be a step of the series, got 4"):
        checkpoints(written, model=tiny.new_model()).load(4)
