"""The settings of a host: one dataclass that is schema, defaults and documentation at once.

A field made by `setting` is a setting: files, variables, options and the console set it, and `docs/settings.md` lists
it. A plain field is a fixed value with its reason beside it. Code that builds its own `Settings`, such as a test, may
pass another one; nothing else changes it.
"""

# ruff: noqa: RUF009 -- `setting` is `dataclasses.field` with what the loader checks
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from omnicore.config.folders import project_data
from omnicore.config.schema import is_secret, setting
from omnicore.sandbox.abi import MIB, Limits

__all__ = [
    "LARGEST_LIMITS",
    "MASK",
    "AccessSettings",
    "ConnectorSettings",
    "EventSettings",
    "FleetSettings",
    "HealthSettings",
    "LaneSettings",
    "LoopSettings",
    "McpSettings",
    "MemorySettings",
    "OidcSettings",
    "PackageSettings",
    "RuntimeSettings",
    "Settings",
    "StorageSettings",
    "TaskSettings",
    "TelemetrySettings",
    "TrustSettings",
    "VectorSettings",
    "WorkflowSettings",
    "is_secret",
    "setting",
]

MASK = "********"
_CREDENTIALS = re.compile(r"(://)[^/\s]*@")
_DAY_S = 86_400.0

LARGEST_LIMITS = Limits(
    timeout_s=60.0,
    fuel=None,
    memory_bytes=1024 * MIB,
    table_elements=1_000_000,
    input_bytes=64 * MIB,
    output_bytes=64 * MIB,
    log_bytes=1 * MIB,
    log_lines=100_000,
    var_bytes=64 * MIB,
    host_calls=1_000_000,
    http_requests=100,
    http_request_bytes=16 * MIB,
    http_response_bytes=64 * MIB,
    module_bytes=64 * MIB,
    component_bytes=64 * MIB,
    compile_s=120.0,
    compile_bytes=4096 * MIB,
)
_MAIN_LIMITS = {
    "timeout_s": "Longest time of one call, in seconds",
    "fuel": "Wasm instructions of one call; none for no bound",
    "memory_bytes": "Memory of one instance",
    "input_bytes": "Largest input of a call",
    "output_bytes": "Largest output of a call",
    "module_bytes": "Largest core module",
}
_MAIN_LARGEST_LIMITS = {
    "timeout_s": "Longest time of one call that a grant can allow, in seconds",
    "fuel": "Wasm instructions of one call that a grant can allow; none for no bound",
    "memory_bytes": "Memory of one instance that a grant can allow",
}


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Database."""

    url: str | None = setting(None, "A postgresql:// URL; without one, SQLite in the data folder", secret=True)
    synchronous: Literal["normal", "full"] = setting(
        "normal",
        "When SQLite waits for the disk: at checkpoints (normal: a killed process loses nothing, a power cut the last"
        " seconds) or at each commit (full)",
    )
    connections: int = setting(8, "PostgreSQL: queries of this host at the same time", minimum=1, maximum=1000)
    pooler: bool = setting(
        False, "PostgreSQL: the URL leads to a pooler in transaction mode; the host keeps no state in its sessions"
    )
    direct_url: str | None = setting(
        None,
        "PostgreSQL: a URL beside the pooler, for notifications, migrations, backups and restores; without one the host"
        " polls, and a restore is not possible",
        secret=True,
    )
    busy_timeout_s: float = 5.0  # wait for another process that writes
    check_s: float = 2.0  # SQLite's file is checked for damage after an unclean stop; a start may cost this much more
    connect_timeout_s: float = 5.0  # PostgreSQL: a server that takes longer counts as away
    statement_timeout_s: float = 30.0  # PostgreSQL: as long as a request may take


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """Background tasks."""

    workers: int = setting(4, "Tasks that run at the same time", minimum=0, maximum=1024, untrusted="lower")
    queues: tuple[str, ...] = setting((), "Queues with a limit on tasks that run at once, on all hosts: `mail=2`")
    keep_s: float = setting(7 * _DAY_S, "Time that completed and cancelled tasks are kept", minimum=0)
    keep_failed_s: float = setting(30 * _DAY_S, "Time that failed tasks are kept", minimum=0)
    lease_s: float = 30.0  # silence after which another host takes over; above the longest pause of a loaded machine
    poll_s: float = 2.0  # most delay for tasks that another process stores; their own process wakes the runner
    attempt_s: float = 300.0  # most that an order may ask for; longer work belongs into a workflow
    most_lost: int = 5  # hosts that die with a task before the task is to blame
    max_pending: int = 1_000_000  # of operators and schedules; bounds the table
    input_bytes: int = 65_536  # larger data belongs into the key-value store or a file
    output_bytes: int = 65_536  # as `input_bytes`
    keep_most: int = 100_000  # for each state; bounds the table when tasks fail in bulk
    sweep_s: float = 60.0  # deleting old rows is not urgent
    missed_s: float = 60.0  # a restart takes less, and does not make a schedule late
    missed_most: int = 100  # a host that was off for a week does not run an hourly schedule more often than this


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Event bus."""

    log: bool = setting(True, "Keep events in the database too, in the table `logs`")
    log_days: float = setting(30.0, "Days after which an event is deleted from the database", minimum=0)
    history: int = 1000  # for clients that reconnect
    history_bytes: int = 4 * MIB  # bounds `history` when events are large
    subscribers: int = 1000  # live ones, WebSockets among them; each holds a queue
    log_events: int = 10_000  # rows; of data over 8 KiB only the size is kept
    subscriptions: int = 1000  # durable ones of all plugins; each event is matched against them


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """Health checks."""

    interval_s: float = setting(10.0, "Time between two checks of every part", minimum=0.1)
    alerts: tuple[str, ...] = setting(
        (), "Actions when health changes: `PART STATUS -> TARGET`, such as `overall Unhealthy -> call pager.page`"
    )
    degraded_after: int = 3  # failures in a row; with the interval, half a minute
    unhealthy_after: int = 5  # failures in a row
    recovered_after: int = 5  # successes in a row, so that a part that flaps stays degraded
    stale_s: float = 300.0  # age at which an answer no longer counts
    probe_s: float = 2.0  # a part that takes longer to answer counts as failing


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """Traces, logs and metrics that are sent to a collector, in addition to `/metrics`."""

    otlp: str | None = setting(None, "OpenTelemetry collector, such as http://127.0.0.1:4318")
    traces: bool = setting(True, "Send a trace of each call in addition to metrics")
    call_input: int = setting(
        0, "Bytes of its input that are kept with a call, without secrets, for admins", minimum=0, maximum=4000
    )
    logs: bool = True  # log lines too
    otlp_interval_s: float = 15.0  # the interval that Prometheus scrapes at


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """Memories of plugins."""

    embedder: str = setting(
        "static", "Source of embeddings: static, minilm, none, connector:NAME or plugin:PLUGIN.FUNCTION"
    )
    summariser: str = setting(
        "none",
        "Source of summaries when memories are merged: none (the most central memory stands for the group),"
        " connector:NAME or plugin:PLUGIN.FUNCTION",
    )
    reranker: Path | None = setting(
        None, "File of weights that put the best memories of a recall in order, from `omnicore.memory.ranking.train`"
    )
    auto_consolidation: bool = setting(True, "Consolidate memories automatically")
    consolidate_every_s: float = setting(3600.0, "Seconds between consolidations", minimum=1)
    max_per_tier: int = setting(10_000, "Most memories of one plugin in one tier", minimum=1)
    in_ram: int = (
        1_000_000  # memories whose vectors are in RAM, all plugins together: 1 GB of float32 at 256 dimensions
    )
    embed_s: float = 5.0  # a connector or plugin that takes longer is skipped, and bm25 finds the memory
    dimensions: int = 0  # of the embeddings that callers bring; 0 takes those of the first one
    writes_per_s: float = 5_000.0  # of one plugin, so that others can store too
    exact_upto: int = 20_000  # up to here an exact search takes at most 1 ms
    file_least: int = 5_000  # memories of a plugin from which on its index has a file; fewer are read in 0.2 s
    file_every_s: float = 60.0  # least time between two files of an index; a start follows what came after the last
    grace_s: float = _DAY_S  # rows of forgotten memories stay, so that consolidation can still refer to them
    # Weights of the ranking, fitted on dialogue sets; see `memory/candidates.py`. The last two only break ties.
    weight_turn: float = 0.25
    weight_pair: float = 0.25
    weight_words: float = 0.3
    weight_window: float = 0.2
    weight_speaker: float = 0.1
    weight_session: float = 0.3
    weight_importance: float = 0.05
    weight_recency: float = 0.02


@dataclass(frozen=True, slots=True)
class VectorSettings:
    """Vector collections."""

    dimensions: int = setting(
        768, "Dimensions of a collection that names none", minimum=1, maximum=4096, untrusted="any"
    )
    cache_size: int = setting(
        1_000_000,
        "Most vectors in memory; larger collections are searched in the database",
        minimum=0,
        untrusted="lower",
    )
    m: int = 32  # links of each vector in the index
    ef: int = 100  # candidates while searching and building
    cache_bytes: int = 1024 * MIB  # memory of vectors and indexes
    exact_up_to: int = 20_000  # up to here an exact search takes at most 1 ms, and there is nothing to rebuild
    max_collections: int = 1000  # of one plugin
    refresh_s: float = 0.1  # most delay until writes of other processes are found
    snapshot_s: float = 60.0  # time between two snapshots; a start replays what came after the last one
    threads: int = 2  # that build an index


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """Connectors. Each connector may have its own limits."""

    timeout_s: float = setting(30.0, "Longest time of one action of a connector", minimum=0.001, untrusted="lower")
    retries: int = setting(2, "Retries of an action that is safe to repeat", minimum=0, maximum=20, untrusted="lower")
    master_key: str = setting(
        "auto",
        "Location of the vault's master key: variable (OMNICORE_MASTER_KEY), file (master.key in the data folder),"
        " file:/absolute/path, keyring, aws-kms:KEY or vault-transit:KEY; auto: the variable if set, else the file."
        " Hosts that share a database need the same key",
    )
    secret_variables: tuple[str, ...] = setting(("CONNECTOR_*",), "Environment variables that may hold credentials")
    secret_folders: tuple[Path, ...] = setting((Path("/run/secrets"),), "Folders of files that may hold credentials")
    # Defaults of each connector, which may have its own:
    concurrency: int = 10  # calls of one connector at the same time
    waiting: int = 100  # calls of one connector that wait; ten times what runs
    rate: float = 50.0  # calls a second, all callers together
    plugin_rate: float = 20.0  # calls a second of one plugin, so that no plugin uses up a connector's rate
    output_bytes: int = 4 * MIB  # as the output of a plugin
    breaker_failures: int = 5  # in a row, then the connector is not called for `breaker_reset_s`
    breaker_reset_s: float = 60.0  # services restart and deploy within a minute
    most: int = 1000  # connectors, and as many webhooks: each has a client and a breaker in memory
    uses_days: float = 30.0  # record of who used a connector
    hook_bytes: int = 1 * MIB  # body of a webhook
    # A delivery that is not proven costs 0.1 ms, and one that is kept 2 ms:
    hook_rate: float = setting(
        500.0, "Most deliveries of one webhook in a second", minimum=0.01, maximum=1e6, untrusted="lower"
    )
    deliveries_days: float = 7.0  # senders repeat a delivery for some days at most; copies of it are found so long
    deliveries_most: int = 1_000  # of one webhook


@dataclass(frozen=True, slots=True)
class PackageSettings:
    """Packages: where plugins come from."""

    mirrors: tuple[str, ...] = setting(
        (), "Mirrors that are asked first: `REGISTRY=HOST/PREFIX`, such as `registry.example.org=mirror.local/plugins`"
    )
    private_hosts: tuple[str, ...] = setting(
        (), "Hosts with private addresses that packages may come from, with their ports, such as `10.0.0.7:5000`"
    )
    insecure_hosts: tuple[str, ...] = setting((), "Hosts that are asked without TLS, with their ports")
    credentials: tuple[str, ...] = setting(
        (), "Credentials at registries, `USER:PASSWORD@HOST`; else those of docker, podman and the keyring", secret=True
    )
    ca_file: Path | None = setting(None, "Certificates of authorities to trust in addition, in PEM")
    proxy: str | None = setting(
        None,
        "URL of a proxy; default: the variables HTTPS_PROXY and NO_PROXY",
        secret=True,
    )
    timeout_s: float = setting(300.0, "Longest time of one download", minimum=0.001)
    # Beside the module, which `limits.module_bytes` bounds:
    files_bytes: int = 16 * MIB  # a README, an icon, a bill of materials: people read them


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """One lane. Units: seconds; `fuel` Wasm instructions of all handlers in a cycle, None for no bound."""

    interval_s: float = setting(60.0, "Time from one cycle to the next", minimum=0.01, maximum=1e9)
    deadline_s: float = 60.0  # below the interval, so that cycles do not overlap
    concurrency: int = 4  # handlers at the same time in a cycle
    fuel: int | None = None  # a cycle is bounded by `deadline_s`; counting instructions makes guests slower


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """The seven lanes. The first four run by default, the slow three when `all` is set."""

    enabled: bool = setting(True, "Run the lanes automatically", untrusted="lower")
    all: bool = setting(
        False, "Also run the evolutionary, transformative and transcendent lanes automatically", untrusted="lower"
    )
    archives: int = 3  # older ones are deleted when a new one is complete
    reflexive: LaneSettings = setting(LaneSettings(0.1, 0.01), "Reflexive lane: rules on events")
    reactive: LaneSettings = setting(LaneSettings(5.0, 4.0), "Reactive lane: health probes and retries")
    adaptive: LaneSettings = setting(LaneSettings(1800.0, 300.0), "Adaptive lane: consolidation and success rates")
    deliberative: LaneSettings = setting(LaneSettings(_DAY_S, 900.0), "Deliberative lane: plans, pruning and a digest")
    evolutionary: LaneSettings = setting(LaneSettings(7 * _DAY_S, 1800.0), "Evolutionary lane: compares two weeks")
    transformative: LaneSettings = setting(LaneSettings(365 * _DAY_S, 1800.0), "Transformative lane: an audit")
    transcendent: LaneSettings = setting(LaneSettings(3650 * _DAY_S, 7200.0), "Transcendent lane: verified archives")


@dataclass(frozen=True, slots=True)
class McpSettings:
    """Functions as tools of the Model Context Protocol."""

    stateless: Literal["auto", "always", "never"] = setting(
        "auto",
        "Serve clients of the protocol's versions before 2026 without sessions, so that each request may go to another"
        " host; auto: where hosts share a PostgreSQL database. Newer clients need no session",
    )
    sessions: int = 100  # clients at the same time; each has a task and a queue
    idle_s: float = 900.0  # an unused session ends, and its client opens another one


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """Environment of the host."""

    environment: Literal["auto", "local", "container", "kubernetes", "edge"] = setting(
        "auto", "Where the host runs; auto detects it"
    )
    main: Path | None = setting(None, "Python file that `omnicore run` starts instead of a server")
    secrets: Path | None = setting(None, "Folder of files that are named like variables and hold secrets")
    log_format: Literal["text", "json", "auto"] = setting(
        "text", "Format of log lines; auto: text on a terminal, JSON elsewhere", untrusted="any"
    )
    native_plugins: bool = setting(True, "Load Python plugins from installed packages", untrusted="lower")
    native_plugin_s: float = 5.0  # to load, and for each hook: a start must not hang on one package


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Login through an OpenID provider. Needs the extra `oidc`."""

    issuer: str | None = setting(None, "Address of the OpenID provider; none turns this login off")
    client_id: str = setting("", "Client ID at the provider")
    client_secret: str | None = setting(None, "Client secret, if there is one", secret=True)
    name: str = setting("single sign-on", "Label of the button on the login page")
    scopes: tuple[str, ...] = setting(("openid", "email", "profile"), "Scopes to ask for")
    name_claim: str = setting("email", "Claim that holds the user's name")
    domains: tuple[str, ...] = setting((), "Domains of verified e-mail addresses that may log in; empty for any")
    role_claim: str = setting("groups", "Claim whose values select roles")
    roles: tuple[str, ...] = setting((), "Roles by value of that claim: `VALUE -> ROLE`, such as `staff -> operator`")
    default_role: Literal["none", "nobody", "viewer", "operator", "admin"] = setting(
        "none", "Role of users whom no value gives one; none refuses the login"
    )
    public_url: str | None = setting(None, "Address of this host as browsers see it; default: from the request")
    timeout_s: float = 10.0  # for an answer of the provider; a person waits for it


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Users, sessions and the audit trail. Units: seconds, counts, KiB."""

    session_s: float = setting(43_200.0, "Longest time of a login", minimum=1)
    session_idle_s: float = setting(3_600.0, "Longest time of a login without a request", minimum=1)
    token_days: float = setting(90.0, "Days that an API token is valid by default", minimum=0.001)
    password_length: int = setting(10, "Fewest characters of a password", minimum=8, maximum=128)
    login_tries: int = setting(
        5, "Failed logins after which a user name is locked; an address after four times as many", minimum=1
    )
    hash_memory_kib: int = setting(65_536, "Memory of argon2 for one password", minimum=8, maximum=4_194_304)
    open: bool = setting(
        False,
        "Give everybody on this machine all rights until the first user exists, for demos; only by option or variable",
        start_only=True,
    )
    origins: tuple[str, ...] = setting(
        (), "Origins of other pages that may send requests, such as https://omni.example.org"
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), "Addresses or networks of proxies whose X-Forwarded-For, -Proto and -Host headers are trusted"
    )
    audit_calls: bool = setting(True, "Record calls of people and tokens in addition to changes")
    audit_days: float = setting(730.0, "Days after which an audit row is deleted", minimum=1)
    login_lock_s: float = 900.0  # of a locked name, and the time that failures count
    sessions: int = 50  # of one user; the oldest ends when another begins
    tokens: int = 200  # of one user
    hash_passes: int = 3  # of argon2 over its memory: the second choice of RFC 9106, section 4
    hash_threads: int = 2  # passwords that are checked at the same time, 64 MiB each
    hash_waiting: int = 32  # logins that wait for that; more are refused
    audit_rows: int = 1_000_000  # the oldest are deleted first
    oidc: OidcSettings = setting(OidcSettings(), "Login through an OpenID provider")


@dataclass(frozen=True, slots=True)
class WorkflowSettings:
    """Workflows and their runs."""

    workers: int = setting(
        1000,
        "Runs in memory at the same time; 0 leaves runs to other hosts",
        minimum=0,
        maximum=100_000,
        untrusted="lower",
    )
    actions: int = setting(100, "Actions of steps at the same time", minimum=1, maximum=10_000, untrusted="lower")
    keep_s: float = setting(7 * _DAY_S, "Time that completed and cancelled runs are kept", minimum=0)
    keep_failed_s: float = setting(30 * _DAY_S, "Time that faulted runs are kept", minimum=0)
    http_hosts: tuple[str, ...] = setting(
        ("*:*",),
        "Hosts that `call: http` may reach; `*.example.com` for many; 80 and 443 unless a port follows, `:*` for any",
    )
    http_private: tuple[str, ...] = setting(
        (), "Hosts with private addresses that `call: http` may reach, such as `127.0.0.1:11434`"
    )
    audit: bool = setting(True, "Record the end of each run in the audit trail")
    costs: bool = setting(False, "Include the fuel and memory of each plugin call in the history of a run")
    run_actions: int = 50  # of one run at the same time, half of `actions`, so that no run takes all
    lease_s: float = 10.0  # silence after which another host takes over
    park_s: float = 5.0  # a run that waits longer leaves memory
    poll_s: float = 0.02  # most delay for what other processes write; five times that without runs
    action_s: float = 300.0  # one attempt of a step that sets no time
    expression_fuel: int = 3_000_000_000  # half a second of an idle core
    expression_s: float = 10.0  # of wall time; then the expression is tried again
    inline_bytes: int = 4096  # a value up to here stands in its step's row, which fits a page of SQLite
    value_bytes: int = 16 * MIB  # input or output of a step or a run
    event_s: float = _DAY_S  # time that an event is remembered, so that it counts once
    document_bytes: int = 1 * MIB  # a definition
    steps: int = 1_000_000  # an endless loop ends here
    run_bytes: int = 1024 * MIB  # rows of a run, and each of its values once
    graphs: int = 256  # definitions kept ready in memory
    most: int = 10_000  # workflows
    max_pending: int = 1_000_000  # runs that wait, queued or parked
    most_depth: int = 10  # workflows that call one another
    keep_most: int = 100_000  # ended runs of one workflow; the oldest are deleted first
    sweep_s: float = 60.0  # deleting old rows is not urgent
    http_bytes: int = 4 * MIB  # answer of `call: http`


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Fleet: hosts that share a PostgreSQL database, and make each other's calls over NATS (extra `fleet`)."""

    name: str | None = setting(None, "Name of this host among others; default: the name of the machine")
    address: str | None = setting(
        None, "URL at which other hosts reach this one; default: where it listens, unless that is every address"
    )
    notice_s: float = 2.0  # a host that leaves still takes calls while /readyz fails; proxies look about once a second
    url: str | None = setting(
        None,
        "NATS servers of the fleet, such as nats://nats-1:4222,nats://nats-2:4222; tls:// and ?credentials=FILE&ca=FILE"
        "&certificate=FILE&key=FILE after the last one; none: no fleet",
        secret=True,
    )
    secret: str | None = setting(
        None, "Text of 32 characters or more that hosts know each other by; the same on all hosts", secret=True
    )
    labels: tuple[str, ...] = setting((), "Labels of this host: `NAME=VALUE`, such as `zone=eu`")
    anonymous: bool = setting(False, "Make calls that come over NATS without a token; NATS then decides who may call")
    calls: int = 256  # of other hosts and of NATS clients at the same time; each holds its payload
    beat_s: float = 1.0  # other hosts are told of this one so often; after three and a half they ask it no more
    join_s: float = 2.0  # a start waits so long for the NATS servers, then goes on without them


@dataclass(frozen=True, slots=True)
class ModuleSettings:
    """Modules: where the code of plugins lies that hosts of a fleet share."""

    store: str | None = setting(
        None,
        "Place through which hosts share modules: s3://BUCKET/PREFIX?endpoint=URL&region=NAME&credentials=FILE (extra"
        " `aws`), nats://?bucket=NAME, the object store of the servers of `fleet.url` (extra `fleet`), or oci://HOST/NAME,"
        " a repository of a registry; none: their PostgreSQL database",
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Publishers of packages, and indexes. No settings file of a folder that is not trusted sets any of these."""

    unsigned: Literal["accept", "ask", "refuse"] = setting(
        "ask", "Packages that no publisher signed whom you trust: install them, ask first, or refuse them"
    )
    publishers: tuple[str, ...] = setting(
        (),
        "Publishers of names, the first rule that fits: `PATTERN anyOf|allOf PUBLISHER...`, such as `acme-* anyOf acme"
        " acme-2027`; a publisher is the name or fingerprint of a key, or `sigstore:IDENTITY=ISSUER`",
    )
    auto_update: Literal["never", "patch"] = setting(
        "never", "Accept a patch release that asks for nothing more and that the publisher of the accepted one signed"
    )
    sigstore_root: Path | None = setting(None, "File with the trusted root that bundles of sigstore are verified with")
    indexes: tuple[str, ...] = setting(
        (), "Indexes of plugins: `NAME=URL#sha256=DIGEST` of the first root, as `omnicore index make` prints it"
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a host. Units: bytes, seconds, counts; relative paths count from the file's folder."""

    plugins: Path = setting(Path("plugins"), "Folder of the plugins, .wasm and .wat files", untrusted="inside")
    data: Path = setting(None, "Folder of the database; default: the project's folder in the user's state folder")
    watch: bool = setting(True, "Load changes in the plugin folder while the host runs", untrusted="any")
    engine: Literal["omnicore", "extism"] = setting("omnicore", "Engine that runs core modules")

    host: str = setting("127.0.0.1", "Address the server listens on; beyond loopback, users or a token are required")
    port: int = setting(8080, "TCP port of the server; 0 takes a free one", minimum=0, maximum=65535)
    token: str | None = setting(None, "Bearer token that requests must carry", secret=True)
    allowed_hosts: tuple[str, ...] = setting(
        ("localhost", "127.0.0.1", "[::1]"), "Names that the Host header of a request may hold"
    )
    body_bytes: int = setting(16 * MIB, "Largest body of a request", minimum=1, untrusted="lower")
    request_timeout_s: float = setting(30.0, "Longest time of a request", minimum=0.001, untrusted="lower")
    drain_s: float = setting(10.0, "Longest wait for running calls when the server stops", minimum=0, untrusted="lower")

    # Each reserves addresses for the largest memory there is: above 5,000 the engine finds none left and aborts.
    max_instances: int = setting(
        1000, "Sandboxes at the same time, all plugins together", minimum=1, maximum=4000, untrusted="lower"
    )
    max_warm: int = setting(8, "Most warm sandboxes of one plugin", minimum=0, untrusted="lower")
    sandbox_memory_bytes: int | None = setting(
        None,
        "Memory of all sandboxes and compilers together; default: half of the machine's or control group's memory",
        minimum=16 * MIB,
    )
    sandbox_wait_s: float = 2.0  # a call waits this long for memory of the sandboxes, then fails with `capacity`
    warm_memory_bytes: int = 48 * MIB  # warm sandboxes above it are closed after 3 s
    threads: int = setting(8, "Worker threads for calls that compute long", minimum=1, maximum=1024, untrusted="lower")
    breaker_failures: int = setting(
        5, "Failures in a row that put a plugin in quarantine", minimum=1, untrusted="lower"
    )
    breaker_reset_s: float = 60.0  # of a quarantine

    plugin_review: Literal["changes", "new-requests", "never"] = setting(
        "changes",
        "When new code under a known name waits for approval: if the name has grants, settings or data or the code asks"
        " for more (changes), only if it asks for more (new-requests), or never (unsafe)",
    )
    kept_versions: int = 5  # earlier versions of a plugin, for a rollback

    log_level: Literal["trace", "debug", "info", "warn", "error"] = setting(
        "info", "Lowest level of log lines that the server prints", untrusted="any"
    )
    log_lines: int = setting(1_000, "Log lines of each plugin that are kept in memory", minimum=1, untrusted="lower")

    limits: Limits = setting(
        Limits(),
        "Limits of a plugin; a manifest that asks for more needs a grant",
        untrusted="lower",
        only=_MAIN_LIMITS,
    )
    max_limits: Limits = setting(
        LARGEST_LIMITS, "Largest limits that a grant can allow", untrusted="lower", only=_MAIN_LARGEST_LIMITS
    )
    storage: StorageSettings = setting(StorageSettings(), "Database")
    tasks: TaskSettings = setting(TaskSettings(), "Background tasks")
    events: EventSettings = setting(EventSettings(), "Event bus")
    health: HealthSettings = setting(HealthSettings(), "Health checks")
    telemetry: TelemetrySettings = setting(TelemetrySettings(), "OpenTelemetry")
    memory: MemorySettings = setting(MemorySettings(), "Memories of plugins")
    vectors: VectorSettings = setting(VectorSettings(), "Vector collections")
    connectors: ConnectorSettings = setting(ConnectorSettings(), "Connectors, the vault and webhooks")
    packages: PackageSettings = setting(PackageSettings(), "Packages: where plugins come from")
    loops: LoopSettings = setting(LoopSettings(), "The seven lanes")
    mcp: McpSettings = setting(McpSettings(), "Model Context Protocol")
    runtime: RuntimeSettings = setting(RuntimeSettings(), "Environment of the host")
    access: AccessSettings = setting(AccessSettings(), "Users, sessions and the audit trail")
    workflows: WorkflowSettings = setting(WorkflowSettings(), "Workflows and their runs")
    fleet: FleetSettings = setting(FleetSettings(), "Fleet of hosts")
    modules: ModuleSettings = setting(ModuleSettings(), "Modules of plugins that hosts share")
    trust: TrustSettings = setting(TrustSettings(), "Publishers and indexes of packages")
    brokers: Mapping[str, Mapping[str, Any]] = setting(
        {}, "Message brokers to receive events from and send events to, one table each: `url`, `in`, `out`", secret=True
    )
    app: Mapping[str, Any] = setting({}, "Settings of the application around the host, with any names", untrusted="any")
    plugin_settings: Mapping[str, Mapping[str, Any]] = setting(
        {}, "Settings of plugins, one table for each plugin's name", secret=True
    )

    def __post_init__(self) -> None:
        folder = project_data(Path()) if self.data is None else self.data.absolute()
        object.__setattr__(self, "data", folder)

    def to_json(self) -> dict[str, Any]:
        """All settings as JSON values, secrets masked."""
        return {
            spec.name: _shown(spec.name, getattr(self, spec.name), spec.metadata.get("only"))
            for spec in fields(self)
            if spec.metadata
        }


def _shown(name: str, value: Any, only: Mapping[str, str] | None = None) -> Any:
    """A value as it may be shown: secrets masked, paths as text, fixed values left out."""
    if is_secret(name) and value is not None:
        return MASK
    if is_dataclass(value):
        declared = [spec for spec in fields(value) if (spec.name in only if only else spec.metadata)]
        held = ((spec, getattr(value, spec.name)) for spec in declared)
        return {
            # Declared settings say themselves whether they are secret: `token_days` is not.
            spec.name: MASK if spec.metadata.get("secret") and inner not in (None, ()) else _shown("", inner)
            for spec, inner in held
        }
    if isinstance(value, Mapping):
        return {key: _shown(str(key), item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_shown("", item) for item in value]
    if isinstance(value, str):  # an address may have a password in it
        return _CREDENTIALS.sub(rf"\1{MASK}@", value)
    return str(value) if isinstance(value, Path) else value
