"""A Hub on this machine: what huggingface_hub asks of the real one, over HTTP, with faults."""

import hashlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import torch
from safetensors.torch import save

REPO = "someone/series"
STEPS = (0, 1, 2, 4, 8, 16, 32, 64)
Files = dict[str, bytes]


@dataclass
class FakeHub:
    """One repository, what was asked of it, and what lay in the cache when weights were."""

    revisions: dict[str, Files]
    cache: Path | None = None
    fault: Callable[[int], str | None] = lambda number: None
    endpoint: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    weights_asked: list[str] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def commit(self, name: str) -> str:
        return hashlib.sha1(name.encode()).hexdigest()

    def files(self, revision: str) -> Files | None:
        by_commit = {self.commit(name): files for name, files in self.revisions.items()}
        return self.revisions.get(revision, by_commit.get(revision))

    def times(self, step: int) -> int:
        """How often the weights of a revision were asked for."""
        return self.weights_asked.count(f"step{step}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_):
        pass

    def handle(self):
        with suppress(ConnectionError):  # who asked was killed
            super().handle()

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.hub.asked.append((self.command, path))
        api = f"/api/models/{REPO}"
        if path == f"{api}/refs":
            self.refs()
        elif path.startswith(f"{api}/tree/"):
            self.tree(path.removeprefix(f"{api}/tree/"), parse_qs(url.query))
        elif path.startswith(f"/{REPO}/resolve/"):
            self.resolve(*path.removeprefix(f"/{REPO}/resolve/").split("/", 1))
        elif path.startswith("/cdn/"):
            self.weights(*path.removeprefix("/cdn/").split("/", 1))
        else:
            self.send(401, b"", {"X-Error-Code": "RepoNotFound"})

    def refs(self):
        def rows(names):
            return [
                {"name": n, "ref": f"refs/heads/{n}", "targetCommit": self.hub.commit(n)}
                for n in names
            ]

        tags = [name for name in self.hub.revisions if name.startswith("v")]
        branches = [name for name in self.hub.revisions if name not in tags]
        self.json({"branches": rows(branches), "converts": [], "tags": rows(tags)})

    def tree(self, revision, query):
        files = self.hub.files(revision)
        if files is None:
            return self.send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        recursive = query.get("recursive", ["False"])[0].lower() in ("true", "1")
        folders = {path.split("/")[0] for path in files if "/" in path}
        listed = [{"type": "directory", "oid": "0" * 40, "path": path} for path in folders]
        for path, content in files.items():
            if recursive or "/" not in path:
                sha = hashlib.sha1(content).hexdigest()
                listed.append({"type": "file", "oid": sha, "size": len(content), "path": path})
        return self.json(listed)

    def resolve(self, revision, path):
        files = self.hub.files(revision)
        if files is None or path not in files:
            missing = "RevisionNotFound" if files is None else "EntryNotFound"
            return self.send(404, b"", {"X-Error-Code": missing})
        content = files[path]
        name = next(n for n in self.hub.revisions if revision in (n, self.hub.commit(n)))
        commit = {"X-Repo-Commit": self.hub.commit(name)}
        if path.endswith(".json"):
            sha = hashlib.sha1(content).hexdigest()
            return self.send(200, content, {**commit, "ETag": f'"{sha}"'})
        sha = hashlib.sha256(content).hexdigest()
        large = {"X-Linked-Etag": f'"{sha}"', "X-Linked-Size": str(len(content))}
        # On the real Hub large files lie on another host, too.
        place = f"{self.hub.endpoint.replace('127.0.0.1', 'localhost')}/cdn/{name}/{path}"
        return self.send(302, b"", {**commit, **large, "Location": place})

    def weights(self, name, path):
        hub, content = self.hub, self.hub.revisions[name][path]
        begin, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        if end:  # the header of a file, not its weights
            return self.send(206, content[int(begin) : int(end) + 1], {})
        hub.weights_asked.append(name)
        if hub.cache:
            hub.held.append(sum(1 for _ in hub.cache.glob("hub/*/loop-*/*")))
        fault = hub.fault(len(hub.weights_asked) - 1)
        if fault == "busy":
            return self.send(503, b"", {})
        rest = content[int(begin) :]
        if not fault:
            headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
            if int(begin):
                headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            return self.send(206 if int(begin) else 200, rest, headers)
        self.send_response(200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: len(rest) // 2])
        self.wfile.flush()
        if fault == "stall":
            hub.stalled.set()
            hub.go.wait(60)
        self.close_connection = True
        return None

    def json(self, content):
        self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """Serve until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.go.set()
        server.shutdown()
        server.server_close()


def weights(step: int) -> dict[str, torch.Tensor]:
    """Of `torch.nn.Linear(2, 1)`, recognisable by their step."""
    return {"weight": torch.full((1, 2), float(step)), "bias": torch.zeros(1)}


def linear_series(steps=STEPS) -> dict[str, Files]:
    """Revisions of a linear model, and what else a repository has."""
    series = {f"step{step}": {"model.safetensors": save(weights(step))} for step in steps}
    return {"main": {"README.md": b"words"}, "v1.0": {"README.md": b"words"}, **series}


def pickled(content: object) -> bytes:
    """Bytes of a file of `torch.save`."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()
