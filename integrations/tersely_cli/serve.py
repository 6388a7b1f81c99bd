"""`tersely serve`: the HTTP service. Options in, a running server; what it does lives beside this file.

The log goes to standard error. The exit codes are those of `tersely`; 0 after SIGTERM.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tersely import InvalidInputError
from tersely_cli.options import EngineName, Model, Tokenizer
from tersely_server.gateway.settings import GatewaySettings
from tersely_server.proxy.settings import ProxySettings
from tersely_server.settings import ServerSettings, server_settings

TOKEN_VARIABLE = "TERSELY_SERVER_TOKEN"
KEY_VARIABLE = "TERSELY_UPSTREAM_KEY"
_PROXY = "Proxy"
_GATEWAY = "Gateways"
_GATEWAY_FIELDS = GatewaySettings.model_fields
_PROXY_DEFAULTS = {name: field.default for name, field in ProxySettings.model_fields.items()}
_DEFAULTS = {name: field.default for name, field in ServerSettings.model_fields.items()}


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = _DEFAULTS["host"],
    port: Annotated[int, typer.Option(help="0 takes one that is free.")] = _DEFAULTS["port"],
    token_file: Annotated[
        Path | None, typer.Option(help=f"Holds the token that callers must send; or set {TOKEN_VARIABLE}.")
    ] = None,
    allow_anonymous: Annotated[
        bool, typer.Option("--allow-anonymous", help="Listen beyond this machine though there is no token.")
    ] = False,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(help="A name to be called by without a token, such as tersely.internal; can be repeated."),
    ] = None,
    model: Model = _DEFAULTS["model"],
    tokenizer: Tokenizer = None,
    threads: Annotated[int, typer.Option(help="Requests that are compressed at once.")] = _DEFAULTS["threads"],
    queue: Annotated[int, typer.Option(help="Requests that may wait; more are refused.")] = _DEFAULTS["queue"],
    max_body_bytes: Annotated[int, typer.Option(help="Of a request.")] = _DEFAULTS["max_body_bytes"],
    max_documents: Annotated[int, typer.Option(help="In a request.")] = _DEFAULTS["max_documents"],
    max_tokens: Annotated[int, typer.Option(help="In a request, before compression.")] = _DEFAULTS["max_tokens"],
    request_seconds: Annotated[
        float, typer.Option(help="The longest time to receive a request, and then to answer it.")
    ] = _DEFAULTS["request_seconds"],
    max_connections: Annotated[
        int, typer.Option(help="At once; never more than half of the files that may be open.")
    ] = _DEFAULTS["max_connections"],
    header_seconds: Annotated[float, typer.Option(help="The longest time to receive a request's headers.")] = _DEFAULTS[
        "header_seconds"
    ],
    shutdown_seconds: Annotated[
        float, typer.Option(help="The longest time to finish what was taken, after SIGTERM.")
    ] = _DEFAULTS["shutdown_seconds"],
    log_text: Annotated[bool, typer.Option("--log-text", help="Log documents, questions and error messages.")] = False,
    upstream: Annotated[
        str | None,
        typer.Option(
            help="Forward to this API, context compressed: https://api.openai.com/v1, https://api.anthropic.com/v1.",
            rich_help_panel=_PROXY,
        ),
    ] = None,
    upstream_key_file: Annotated[
        Path | None,
        typer.Option(
            help=f"Holds the key that the upstream gets instead of the client's; or set {KEY_VARIABLE}.",
            rich_help_panel=_PROXY,
        ),
    ] = None,
    upstream_timeout: Annotated[
        float, typer.Option(help="Seconds without a byte from the upstream.", rich_help_panel=_PROXY)
    ] = _PROXY_DEFAULTS["timeout"],
    context_role: Annotated[
        str, typer.Option(help="Messages with this role are context; none for no role.", rich_help_panel=_PROXY)
    ] = _PROXY_DEFAULTS["role"],
    context_min_tokens: Annotated[
        int, typer.Option(help="Messages of that role with fewer tokens stay as they are.", rich_help_panel=_PROXY)
    ] = _PROXY_DEFAULTS["min_tokens"],
    context_tag: Annotated[
        str | None,
        typer.Option(help="Text between this tag and its end is context, such as context.", rich_help_panel=_PROXY),
    ] = None,
    context_rate: Annotated[
        float, typer.Option(help="Share of context to keep where no other is asked for.", rich_help_panel=_PROXY)
    ] = _PROXY_DEFAULTS["rate"],
    fail_closed: Annotated[
        bool,
        typer.Option(
            "--fail-closed",
            help="Where compression fails, answer with an error instead of forwarding the original.",
            rich_help_panel=_PROXY,
        ),
    ] = False,
    gateway_rate: Annotated[
        float, typer.Option(help=_GATEWAY_FIELDS["rate"].description, rich_help_panel=_GATEWAY)
    ] = _GATEWAY_FIELDS["rate"].default,
    gateway_min_tokens: Annotated[
        int, typer.Option(help=_GATEWAY_FIELDS["min_tokens"].description, rich_help_panel=_GATEWAY)
    ] = _GATEWAY_FIELDS["min_tokens"].default,
    gateway_method: Annotated[
        str | None, typer.Option(help=_GATEWAY_FIELDS["method"].description, rich_help_panel=_GATEWAY)
    ] = _GATEWAY_FIELDS["method"].default,
    gateway_gap_marker: Annotated[
        str, typer.Option(help=_GATEWAY_FIELDS["gap_marker"].description, rich_help_panel=_GATEWAY)
    ] = _GATEWAY_FIELDS["gap_marker"].default,
    gateway_context_tag: Annotated[
        str | None, typer.Option(help=_GATEWAY_FIELDS["context_tag"].description, rich_help_panel=_GATEWAY)
    ] = _GATEWAY_FIELDS["context_tag"].default,
    gateway_user_messages: Annotated[
        bool,
        typer.Option(
            "--gateway-user-messages", help=_GATEWAY_FIELDS["user_messages"].description, rich_help_panel=_GATEWAY
        ),
    ] = False,
    originals_bytes: Annotated[
        int, typer.Option(help="Keep so many bytes of what was compressed, to be had back.", rich_help_panel=_GATEWAY)
    ] = _DEFAULTS["originals_bytes"],
    originals_seconds: Annotated[
        float, typer.Option(help="How long, after it was last sent or asked for.", rich_help_panel=_GATEWAY)
    ] = _DEFAULTS["originals_seconds"],
    engine: Annotated[EngineName, typer.Option(help="Who does it: this process, or replicas on Ray Serve.")] = (
        EngineName.in_process
    ),
    min_replicas: Annotated[int | None, typer.Option(min=1, help="Ray: that are always there; by default 1.")] = None,
    max_replicas: Annotated[int | None, typer.Option(min=1, help="Ray: that come with the load; by default 1.")] = None,
    worker_cpus: Annotated[int | None, typer.Option(min=1, help="Ray: processors of a replica; by default 1.")] = None,
    worker_gpus: Annotated[float | None, typer.Option(min=0, help="Ray: GPUs of a replica; by default none.")] = None,
) -> None:
    """Serve compression over HTTP: POST /v1/compress, and /openapi.json says the rest."""
    proxy = {
        "upstream_key": read_secret("--upstream-key-file", upstream_key_file, KEY_VARIABLE if upstream else None),
        "timeout": upstream_timeout,
        "role": None if context_role == "none" else context_role,
        "min_tokens": context_min_tokens,
        "tag": context_tag,
        "rate": context_rate,
        "fail_open": not fail_closed,
    }
    if upstream is None and any(value != _PROXY_DEFAULTS[name] for name, value in proxy.items()):
        raise InvalidInputError("options of the proxy need --upstream, such as --upstream https://api.openai.com/v1")
    settings = server_settings(
        host=host,
        port=port,
        token=read_secret("--token-file", token_file, TOKEN_VARIABLE),
        allow_anonymous=allow_anonymous,
        allowed_hosts=tuple(allowed_host or ()),
        model=model,
        tokenizer=tokenizer,
        threads=threads,
        queue=queue,
        max_body_bytes=max_body_bytes,
        max_documents=max_documents,
        max_tokens=max_tokens,
        request_seconds=request_seconds,
        max_connections=max_connections,
        header_seconds=header_seconds,
        shutdown_seconds=shutdown_seconds,
        log_text=log_text,
        gateway={
            "rate": gateway_rate,
            "min_tokens": gateway_min_tokens,
            "method": gateway_method,
            "gap_marker": gateway_gap_marker,
            "context_tag": gateway_context_tag,
            "user_messages": gateway_user_messages,
        },
        originals_bytes=originals_bytes,
        originals_seconds=originals_seconds,
        proxy={"upstream": upstream, **proxy} if upstream is not None else None,
    )
    ray_only = {
        "min_replicas": min_replicas,
        "max_replicas": max_replicas,
        "worker_cpus": worker_cpus,
        "worker_gpus": worker_gpus,
    }
    given = {name: value for name, value in ray_only.items() if value is not None}
    if engine is EngineName.ray:
        return _serve_on_ray(settings, {name.removeprefix("worker_"): value for name, value in given.items()})
    if given:
        raise InvalidInputError(f"--{next(iter(given)).replace('_', '-')} is for replicas on Ray: add --engine ray")
    try:
        from tersely_server import serving
    except ModuleNotFoundError as error:
        raise InvalidInputError(f"{error.name} is not installed: pip install 'tersely[server]'") from None
    serving.serve(settings)


def _serve_on_ray(settings: ServerSettings, options: dict[str, Any]) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before anything of Ray is imported
    try:
        from tersely_ray import serve as on_ray
    except ModuleNotFoundError as error:
        raise InvalidInputError(f"{error.name} is not installed: pip install 'tersely[ray]'") from None
    on_ray.serve(on_ray.Replicas(server=settings, **options))


def read_secret(option: str, file: Path | None, variable: str | None) -> str | None:
    """What a file holds, else an environment variable, where no other user of the machine sees it; None without either.

    Args:
        option: that names the file.
        file: the file.
        variable: the variable's name.

    Raises:
        InvalidInputError: the file cannot be read.
    """
    if file is None:
        return os.environ.get(variable) if variable else None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidInputError(f"{option} {file}: cannot be read ({reason})") from None
