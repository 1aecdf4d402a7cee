"""Registries of packages, as the OCI distribution specification has them: pull, push, tags and referrers.

Nothing that a registry says is believed: a manifest asked for by digest has that digest, a blob has the digest and the
size that its manifest says, and each answer is bounded before it is read.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from omnicore.connectors.addresses import parse_url
from omnicore.connectors.policy import is_this_machine
from omnicore.connectors.transfers import Transferred, Transfers
from omnicore.errors import (
    Conflict,
    LimitExceeded,
    NotFound,
    PackageRejected,
    PermissionDenied,
    ServiceRefused,
    Unavailable,
    WrongCredentials,
)
from omnicore.packages.credentials import RegistryLogin, RegistryLogins
from omnicore.packages.package import (
    INDEX_MEDIA,
    MANIFEST_MEDIA,
    MOST_ATTACHED,
    MOST_MANIFEST,
    Artifact,
    BlobDescriptor,
    Package,
    check_outline,
    digest_of,
    make_artifact,
    read_descriptor,
    read_document,
    written_json,
)
from omnicore.packages.reference import OciReference, registry_host

# Each start reads a bounded way: a header of a stranger that fits nowhere would take minutes otherwise.
_CHALLENGE = re.compile(r'\b(\w{1,32})="([^"]{0,4096})"')
_LINK = re.compile(r'<([^<>]{1,4096})>\s{0,8};\s{0,8}rel="?next"?')
_MOST_PAGES = 20
_MOST_TOKEN = 64 * 1024
_MOST_ATTACHED_BYTES = 1024 * 1024
_MANIFESTS = f"{MANIFEST_MEDIA}, {INDEX_MEDIA}"


def read_mirrors(entries: Iterable[str]) -> Mapping[str, str]:
    """Mirrors by the registry that they stand for, from `REGISTRY=HOST/PREFIX`. Raises: InvalidInput."""
    found = {}
    for entry in entries:
        registry, _, mirror = entry.partition("=")
        host, slash, prefix = mirror.strip().partition("/")
        found[registry_host(registry.strip())] = registry_host(host) + (f"/{prefix.strip('/')}" if slash else "")
    return found


@dataclass(frozen=True, slots=True)
class PulledManifest:
    """A manifest as a registry gave it, with the digest of its bytes."""

    digest: str
    media_type: str
    data: bytes


class Registry:
    """One repository of a registry, and its mirror where the settings name one.

    Args:
        web: sends the requests.
        logins: credentials; they go to the host they are kept for, and to the one it names for tokens.
        mirrors: hosts, with a prefix of repositories, that are asked first for what is pulled.
    """

    def __init__(
        self,
        web: Transfers,
        reference: OciReference,
        *,
        logins: RegistryLogins | None = None,
        mirrors: Mapping[str, str] | None = None,
    ) -> None:
        self.reference = reference
        self._web, self._logins = web, logins or RegistryLogins(keyring=False)
        mirror = (mirrors or {}).get(reference.registry)
        self._main = _Endpoint(web, reference.registry, reference.repository, self._logins)
        self._mirror: _Endpoint | None = None
        if mirror is not None:
            host, _, prefix = mirror.partition("/")
            path = f"{prefix}/{reference.repository}" if prefix else reference.repository
            self._mirror = _Endpoint(web, host, path, self._logins)

    # -- pull

    async def manifest(self, wanted: str | None = None) -> PulledManifest:
        """The manifest of a tag or digest; the reference's own by default.

        Raises: NotFound; PackageRejected: it has another digest or type; see `Transfers.send` for the others.
        """
        what = wanted or self.reference.wanted
        path = f"manifests/{what}"
        answer = await self._get(path, headers={"accept": _MANIFESTS}, most_bytes=MOST_MANIFEST)
        _expect(answer, self.reference, what)
        digest, said = digest_of(answer.body), answer.headers.get("docker-content-digest", "")
        if what.startswith("sha256:") and digest != what:
            raise _lied(self.reference, f"gives a manifest with the digest {digest} for {what}", "digest")
        if said.startswith("sha256:") and said != digest:
            raise _lied(self.reference, f"says {said} of a manifest with the digest {digest}", "digest")
        media = answer.headers.get("content-type", "").partition(";")[0].strip()
        inside = read_document(answer.body, "the manifest").get("mediaType", media)
        if media not in (MANIFEST_MEDIA, INDEX_MEDIA) or inside != media:
            raise _lied(self.reference, f"gives a {str(inside)[:100]} as {media[:100]}", "type")
        return PulledManifest(digest, media, answer.body)

    async def blob(self, descriptor: BlobDescriptor) -> bytes:
        """The bytes that a descriptor names. A download that breaks off goes on where it broke off.

        Raises: NotFound; PackageRejected: they are others; see `Transfers.send` for the others.
        """
        path = f"blobs/{descriptor.digest}"
        try:
            answer = await self._get(path, most_bytes=max(descriptor.size, 1), resumes=True, digest=descriptor.digest)
        except LimitExceeded as error:
            if error.details.get("limit") != "transfer_bytes":
                raise
            raise _lied(
                self.reference, f"gives more than the {descriptor.size} bytes of {descriptor.digest}", "size"
            ) from error
        _expect(answer, self.reference, descriptor.digest)
        descriptor.check(answer.body, descriptor.title or f"the blob {descriptor.digest}")
        return answer.body

    async def artifact(self, manifest: PulledManifest) -> Artifact:
        """An artifact with its blobs. Raises: as `blob` does."""
        if manifest.media_type != MANIFEST_MEDIA:
            raise _lied(self.reference, "gives a list of artifacts where one is asked for", "type")
        found = Artifact(manifest.data, {})
        parts = {one.digest: one for one in (found.config, *found.layers)}
        return replace(found, blobs={digest: await self.blob(one) for digest, one in parts.items()})

    async def package(self, wanted: str | None = None, *, most_bytes: int) -> Package:
        """A package with all that is attached to it, checked.

        Raises: PackageRejected: it is not what its manifest says, or over `most_bytes`; as `manifest` does.
        """
        pulled = await self.manifest(wanted)
        if pulled.media_type == INDEX_MEDIA:
            pulled = await self._only(pulled)
        outline = Artifact(pulled.data, {})
        check_outline(outline)
        size = outline.config.size + sum(one.size for one in outline.layers)
        if size > most_bytes:
            raise _lied(self.reference, f"has {size} bytes where {most_bytes} are allowed", "size")
        whole = await self.artifact(pulled)
        package = Package(whole.manifest, whole.blobs)
        await asyncio.to_thread(package.check)  # of 48 MB it takes a second
        return package.with_attached(await self.attached(package.digest))

    async def _only(self, pulled: PulledManifest) -> PulledManifest:
        """The manifest of an index with one entry. Raises: PackageRejected."""
        listed = read_document(pulled.data, "the index").get("manifests")
        if not isinstance(listed, list) or len(listed) != 1:
            raise _lied(self.reference, "has a list of packages where one is asked for", "type")
        return await self.manifest(read_descriptor(listed[0], "the manifest").digest)

    async def referrers(self, digest: str) -> tuple[BlobDescriptor, ...]:
        """The artifacts about another one, such as its signatures; none where the registry knows of none.

        Source: OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema".
        """
        answer = await self._get(f"referrers/{digest}", headers={"accept": INDEX_MEDIA}, most_bytes=MOST_MANIFEST)
        if answer.status == 404 or not answer.body:
            tag = _fallback(digest)
            answer = await self._get(f"manifests/{tag}", headers={"accept": INDEX_MEDIA}, most_bytes=MOST_MANIFEST)
            if answer.status == 404:
                return ()
        _expect(answer, self.reference, f"referrers of {digest}")
        listed = read_document(answer.body, "the list of referrers").get("manifests")
        found = listed if isinstance(listed, list) else []
        return tuple(read_descriptor(one, "a referrer") for one in found[:MOST_ATTACHED])

    async def attached(self, digest: str) -> tuple[Artifact, ...]:
        """The artifacts about another one with their blobs; those that are too large are left out."""
        found = []
        for one in await self.referrers(digest):
            if one.media_type != MANIFEST_MEDIA or one.size > _MOST_ATTACHED_BYTES:
                continue
            pulled = await self.manifest(one.digest)
            bare = Artifact(pulled.data, {})
            if bare.subject != digest:
                raise _lied(self.reference, f"lists {one.digest}, which is about another package", "content")
            if sum(part.size for part in (bare.config, *bare.layers)) <= _MOST_ATTACHED_BYTES:
                found.append(await self.artifact(pulled))
        return (*found, *await self._of_cosign(digest))

    async def _of_cosign(self, digest: str) -> tuple[Artifact, ...]:
        """The signatures that cosign keeps under a tag, as an artifact about what it signed.

        Source: cosign's `specs/SIGNATURE_SPEC.md`, "Tag-based object discovery".
        """
        path = f"manifests/{_fallback(digest)}.sig"
        answer = await self._get(path, headers={"accept": MANIFEST_MEDIA}, most_bytes=MOST_MANIFEST)
        if answer.status == 404:
            return ()
        _expect(answer, self.reference, f"signatures of {digest}")
        bare = Artifact(answer.body, {})
        if sum(part.size for part in (bare.config, *bare.layers)) > _MOST_ATTACHED_BYTES:
            return ()
        held = await self.artifact(PulledManifest(bare.digest, MANIFEST_MEDIA, answer.body))
        subject = BlobDescriptor(MANIFEST_MEDIA, digest, 0)
        return (make_artifact(held.config, held.layers, held.blobs, subject=subject),)

    async def tags(self) -> tuple[str, ...]:
        """The tags of the repository. Raises: NotFound."""
        found, path = list[str](), "tags/list?n=1000"
        for _ in range(_MOST_PAGES):
            answer = await self._main.send("GET", path, most_bytes=MOST_MANIFEST)
            _expect(answer, self.reference, "the tags")
            listed = read_document(answer.body, "the list of tags").get("tags") or []
            found += [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
            following = _LINK.search(answer.headers.get("link", ""))
            if following is None:
                break
            path = f"tags/list?{following[1].partition('?')[2]}"
        return tuple(found)

    async def _get(self, path: str, **how: Any) -> Transferred:
        """From the mirror if there is one and it has it, else from the registry itself where that can be reached."""
        answer = None
        if self._mirror is not None:
            try:
                answer = await self._mirror.send("GET", path, **how)
            except (Unavailable, WrongCredentials, ServiceRefused):
                answer = None
            if answer is not None and answer.status == 200:
                return answer
        try:
            return await self._main.send("GET", path, **how)
        except Unavailable:
            if answer is None:
                raise
            return answer

    # -- push

    async def push(self, artifact: Artifact, *, tag: str = "") -> str:
        """Stores an artifact and all that is attached to a package. Returns its digest.

        Raises: PermissionDenied, ServiceRefused; as `Transfers.send` does.
        """
        await self._push_one(artifact, tag)
        for one in artifact.attached if isinstance(artifact, Package) else ():
            await self.attach(one)
        return artifact.digest

    async def delete(self, digest: str) -> None:
        """Deletes an artifact with its tags; a registry that deletes nothing keeps it. Raises: as `push` does."""
        answer = await self._main.send("DELETE", f"manifests/{digest}", push=True)
        if answer.status not in (404, 405):
            _accept(answer, self.reference, f"deleting {digest}")

    async def attach(self, artifact: Artifact) -> None:
        """Stores an artifact that is about another one, such as a signature, where `referrers` finds it."""
        answer = await self._push_one(artifact, "")
        if not answer.headers.get("oci-subject"):
            await self._list_referrer(artifact)

    async def _push_one(self, artifact: Artifact, tag: str) -> Transferred:
        for digest, data in artifact.blobs.items():
            await self._push_blob(digest, data)
        path = f"manifests/{quote(tag or artifact.digest, safe=':')}"
        answer = await self._main.send(
            "PUT", path, headers={"content-type": MANIFEST_MEDIA}, body=artifact.manifest, push=True
        )
        _accept(answer, self.reference, "the manifest")
        said = answer.headers.get("docker-content-digest", artifact.digest)
        if said != artifact.digest:
            raise _lied(self.reference, f"took {artifact.digest} for {said}", "digest")
        return answer

    async def _push_blob(self, digest: str, data: bytes) -> None:
        known = await self._main.send("HEAD", f"blobs/{digest}", push=True)
        if known.status == 200:
            return
        begun = await self._main.send("POST", "blobs/uploads/", push=True)
        if begun.status != 202 or "location" not in begun.headers:
            _accept(begun, self.reference, "an upload")
            raise _lied(self.reference, "begins no upload", "content")
        place = begun.headers["location"]
        joined = f"{place}{'&' if '?' in place else '?'}{urlencode({'digest': digest})}"
        headers = {"content-type": "application/octet-stream"}
        answer = await self._main.send("PUT", joined, headers=headers, body=data, push=True)
        _accept(answer, self.reference, f"the blob {digest}")

    async def _list_referrer(self, artifact: Artifact) -> None:
        """Adds an artifact to the list of referrers that registries of before version 1.1 need a client to keep."""
        tag = _fallback(artifact.subject)
        answer = await self._main.send(
            "GET", f"manifests/{tag}", headers={"accept": INDEX_MEDIA}, most_bytes=MOST_MANIFEST, push=True
        )
        listed = read_document(answer.body, "the list of referrers").get("manifests") if answer.status == 200 else []
        known = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if any(one.get("digest") == artifact.digest for one in known):
            return
        values = {"schemaVersion": 2, "mediaType": INDEX_MEDIA}
        index = written_json({**values, "manifests": [*known, artifact.descriptor().to_json()]})
        headers = {"content-type": INDEX_MEDIA}
        answer = await self._main.send("PUT", f"manifests/{tag}", headers=headers, body=index, push=True)
        _accept(answer, self.reference, "the list of referrers")


def _fallback(digest: str) -> str:
    return digest.replace(":", "-")


class _Endpoint:
    """One repository at one host: its address, and the authorization that it asks for."""

    def __init__(self, web: Transfers, host: str, repository: str, logins: RegistryLogins) -> None:
        self._web, self._host, self._repository, self._logins = web, host, repository, logins
        named = parse_url(f"http://{host}/")
        self._scheme = "http" if web.rules.names(named, web.rules.plain) else "https"
        self._authorization: dict[bool, str] = {}

    async def send(self, method: str, path: str, *, push: bool = False, **how: Any) -> Transferred:
        """Sends a request, with credentials where they are asked for. Raises: WrongCredentials; as `Transfers.send`."""
        answer = await self._sent(method, path, push, how)
        if answer.status == 401:
            self._authorization[push] = await self._authorized(answer.headers.get("www-authenticate", ""), push)
            answer = await self._sent(method, path, push, how)
        if answer.status == 401:
            raise self._refused("takes none of the credentials that are here")
        return answer

    async def _sent(self, method: str, path: str, push: bool, how: Mapping[str, Any]) -> Transferred:
        headers = dict(how.get("headers") or {})
        rest = {name: value for name, value in how.items() if name != "headers"}
        scheme = self._scheme
        url = urljoin(f"{scheme}://{self._host}/v2/{self._repository}/", path)
        if push in self._authorization and url.startswith(f"{scheme}://{self._host}/"):
            headers["authorization"] = self._authorization[push]
        try:
            return await self._web.send(method, url, headers=headers, **rest)
        except Unavailable as error:
            # A registry on this machine may speak no TLS: nobody is in between. A wrong certificate stays one.
            if scheme == "http" or "certificate" in str(error).lower() or not self._without_tls():
                raise
            self._scheme = "http"
        return await self._sent(method, path, push, how)

    def _without_tls(self) -> bool:
        return is_this_machine(parse_url(f"http://{self._host}/").host)

    async def _authorized(self, challenge: str, push: bool) -> str:
        """The authorization that a registry asks for. Source: OCI distribution, token authentication of docker."""
        login = await asyncio.to_thread(self._logins.of, self._host)
        kind, asked = challenge.partition(" ")[0].lower(), dict(_CHALLENGE.findall(challenge))
        if kind == "basic":
            if login is None or not login.user:
                raise self._refused("asks for a user and a password")
            return login.basic
        if kind != "bearer" or "realm" not in asked:
            raise self._refused("asks for credentials in a way that is not known here")
        scope = f"repository:{self._repository}:{'pull,push' if push else 'pull'}"
        query = {"service": asked.get("service", ""), "scope": asked.get("scope") or scope}
        answer = await self._token(asked["realm"], query, login)
        if answer.status != 200:
            raise self._refused(f"gives no token (status {answer.status})")
        values = read_document(answer.body, "the token", most=_MOST_TOKEN)
        token = values.get("token") or values.get("access_token")
        if not isinstance(token, str) or not token or not token.isprintable():
            raise self._refused("gives no token")
        return f"Bearer {token}"

    async def _token(self, realm: str, query: Mapping[str, str], login: RegistryLogin | None) -> Transferred:
        if login is not None and login.identity:
            form = {"grant_type": "refresh_token", "refresh_token": login.identity, "client_id": "omnicore", **query}
            headers = {"content-type": "application/x-www-form-urlencoded"}
            body = urlencode(form).encode()
            return await self._web.send("POST", realm, headers=headers, body=body, most_bytes=_MOST_TOKEN)
        headers = {"authorization": login.basic} if login is not None else {}
        mark = "&" if "?" in realm else "?"
        return await self._web.send("GET", f"{realm}{mark}{urlencode(query)}", headers=headers, most_bytes=_MOST_TOKEN)

    def _refused(self, why: str) -> WrongCredentials:
        return WrongCredentials(
            f"{self._host} {why}",
            remedy=f"log in with `docker login {self._host}`, or set packages.credentials",
        )


def _expect(answer: Transferred, reference: OciReference, what: str) -> None:
    """Raises: the error that a status other than 200 stands for."""
    if answer.status == 200:
        return
    if answer.status == 404:
        raise NotFound(f"{reference.place} has no {what}", remedy="check the name, the tag and the digest")
    _accept(answer, reference, what)
    raise ServiceRefused(f"{reference.registry} answered {answer.status} for {what}", status=answer.status)


def _accept(answer: Transferred, reference: OciReference, what: str) -> None:
    """Raises: the error that a status of failure stands for."""
    if answer.status < 300:
        return
    said = _said(answer.body)
    fact = f"{reference.registry} refuses {what} with {answer.status}{f': {said}' if said else ''}"
    if answer.status == 403:
        raise PermissionDenied(fact, remedy="log in as somebody who may", resource=reference.place)
    if answer.status == 409:
        raise Conflict(fact, remedy="try again")
    raise ServiceRefused(fact, remedy="see what the registry logs", status=answer.status)


def _said(body: bytes) -> str:
    try:
        errors: Sequence[Mapping[str, Any]] = json.loads(body)["errors"]
        return "; ".join(str(one.get("message") or one.get("code"))[:200] for one in errors[:3])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _lied(reference: OciReference, fact: str, fault: str) -> PackageRejected:
    return PackageRejected(
        f"{reference.registry} {fact}", remedy="ask who runs the registry, or take another source", fault=fault
    )
