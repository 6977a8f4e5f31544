"""Loading decoders from folders, and from a hub that is asked over HTTP and has nothing."""

import http.server
import importlib
import json
import threading
from collections.abc import Iterator

import pytest
import torch
from safetensors.torch import load_file, save_file

import somite as so
from contracts.decoders import tiny_decoder, tiny_tokens
from somite.core.errors import InputError
from somite.models.hugging_face import reachable

CODES = {
    "gone": (404, "RepoNotFound"),
    "gated": (403, "GatedRepo"),
    "there": (404, "RevisionNotFound"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("hub") / "tiny"
    tiny_decoder("llama").to(torch.bfloat16).save_pretrained(path)
    return path


@pytest.fixture
def copied(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_a_folder_is_loaded_in_single_precision_and_evaluation_mode(folder):
    model = so.load_model(folder)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert not model.training
    assert not model.config.use_cache
    expected = dict(tiny_decoder("llama").to(torch.bfloat16).float().named_parameters())
    assert all(torch.equal(w, expected[name]) for name, w in model.named_parameters())
    assert model(tiny_tokens()).logits.dtype == torch.float32
    assert len(so.components(model, "heads")) == 8


def test_the_precision_can_be_chosen(folder):
    model = so.load_model(str(folder), dtype=torch.float64)
    assert {weight.dtype for weight in model.parameters()} == {torch.float64}


class Hub(http.server.BaseHTTPRequestHandler):
    """A hub that has no file of any model."""

    def do_HEAD(self) -> None:
        code, word = CODES.get(self.path.split("/")[2], (404, "EntryNotFound"))
        self.send_response(code)
        self.send_header("X-Error-Code", word)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Iterator[None]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url, constants = f"http://127.0.0.1:{server.server_port}", "huggingface_hub.constants"
    monkeypatch.setattr(f"{constants}.ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(tmp_path))
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("name", "revision", "words"),
    [
        (
            "owner/gone",
            None,
            "model must be a folder or the id of a model on the Hub, got 'owner/g",
        ),
        ("owner/gated", None, "model must be one that you have access to, got 'owner/gated'"),
        (
            "owner/there",
            "step3",
            "revision must be one of owner/there, got 'step3'. Look up its br",
        ),
        (
            "no/such/folder",
            None,
            "model must be a folder or the id of a model on the Hub, got 'no/",
        ),
    ],
)
def test_unknown_models_and_revisions_are_named(hub, name, revision, words):
    with pytest.raises(InputError, match=words):
        so.load_model(name, revision=revision)


def test_without_the_hub_the_error_says_so(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    words = "model must be on this machine while the Hub cannot be reached, got 'owner/far'. Go onl"
    with pytest.raises(InputError, match=words):
        so.load_model("owner/far")


def test_a_dead_connection_is_not_tried_again_and_again(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waits"))
    assert not reachable("owner/far")
    with pytest.raises(InputError, match="must be on this machine while the Hub cannot be reached"):
        so.load_model("owner/far")


def test_a_hub_that_answers_is_reachable_and_a_folder_needs_none(hub, tmp_path):
    assert reachable("owner/gone")
    assert not reachable(str(tmp_path))


def test_without_transformers_the_error_names_the_extra(monkeypatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    words = r"load_model needs the package transformers.*pip install somite\[hf\]"
    with pytest.raises(InputError, match=words):
        so.load_model("owner/any")


def change_config(path, **changes) -> None:
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | changes))


def test_quantised_weights_are_refused(copied):
    change_config(copied, quantization_config={"quant_method": "gptq", "bits": 4})
    with pytest.raises(InputError, match=r"must not be quantised.*\(gptq\)"):
        so.load_model(copied)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"num_hidden_layers": 3}, "missing model.layers.2.input_layernorm.weight, model.lay"),
        ({"num_hidden_layers": 1}, "unexpected model.layers.1.input_layernorm.wei"),
        ({"intermediate_size": 24}, "of another shape model.layers.0.mlp.down_proj.weight, m"),
    ],
)
def test_weights_that_do_not_fit_are_named(copied, changes, words):
    change_config(copied, **changes)
    with pytest.raises(InputError, match=f"must hold the weights that its config.*{words}"):
        so.load_model(copied)


@pytest.mark.parametrize(
    "changes", [{"model_type": "nothing", "architectures": None}, {"model_type": "t5"}]
)
def test_what_is_no_decoder_is_refused(copied, changes):
    change_config(copied, **changes)
    with pytest.raises(InputError, match="model must be a decoder that transformers can read"):
        so.load_model(copied)


def test_a_damaged_file_is_refused(copied):
    (copied / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match="model must be a decoder that transformers can read"):
        so.load_model(copied)


def test_a_weight_that_is_not_there_is_named(copied):
    weights = load_file(copied / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"missing model\.norm\.weight, got"):
        so.load_model(copied)
