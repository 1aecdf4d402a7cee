"""From a file in the folder to a version the catalogue can keep, or the reason why not."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from omnicore.errors import OmniError
from omnicore.plugins.folder import Candidate, Folder
from omnicore.plugins.limits import effective_limits
from omnicore.plugins.manifest import Manifest, name_of_stem, read_manifest
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect import admit, inspect
from omnicore.sandbox.wat import wat_to_wasm

__all__ = ["Arrival", "read_arrival", "read_module"]

_log = logging.getLogger("omnicore.plugins")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a look at a file found: `manifest` and `module` when it is usable, else `problem`.

    `sidecar` is the manifest beside it as written, `text` what a module in text was made of.
    """

    name: str
    path: str
    signature: str
    module: bytes = b""
    manifest: Manifest | None = None
    problem: str = ""
    sidecar: str | None = None
    text: bytes | None = None


def read_arrival(folder: Folder, candidate: Candidate, *, default: Limits, most: Limits) -> Arrival:
    """Reads and inspects a file. It does not raise: what is wrong stands in `problem`."""
    name = name_of_stem(candidate.stem) or candidate.path
    if candidate.problem:
        return Arrival(name, candidate.path, candidate.signature, problem=candidate.problem)
    try:
        data, sidecar = folder.read(candidate, max(most.module_bytes, most.component_bytes))
        module, manifest = read_module(
            candidate.stem,
            data,
            text=candidate.path.endswith(".wat"),
            sidecar=sidecar,
            sidecar_path=candidate.sidecar or "",
            limits=(default, most),
        )
    except OmniError as error:
        return Arrival(name, candidate.path, candidate.signature, problem=str(error))
    except Exception:  # whatever a file does to its reader, the other files are still to be looked at
        _log.exception("%s could not be read", candidate.path)
        problem = "the host could not read it, which is a fault of the host; its log says more"
        return Arrival(name, candidate.path, candidate.signature, problem=problem)
    return Arrival(
        manifest.name,
        candidate.path,
        candidate.signature,
        module,
        manifest,
        sidecar=None if sidecar is None else sidecar.decode(),
        text=data if candidate.path.endswith(".wat") else None,
    )


def read_module(
    stem: str,
    data: bytes,
    *,
    text: bool,
    sidecar: bytes | None,
    sidecar_path: str,
    limits: tuple[Limits, Limits],
) -> tuple[bytes, Manifest]:
    """The module's bytes and its manifest.

    Args:
        text: the data is WebAssembly text, which becomes bytes first.
        limits: the host's defaults, and the most a manifest may ask for.

    Raises: ModuleRejected, ManifestInvalid.
    """
    module = wat_to_wasm(data) if text else data
    info = inspect(module)
    manifest = read_manifest(stem, info, sidecar=sidecar, sidecar_path=sidecar_path)
    admit(info, effective_limits(manifest.limits, *limits))
    return module, manifest
