"""The HTTP service on Ray Serve: the application of `tersely_server` in replicas that come and go with the load.

Each replica has a process, a model and the limits of its own; what a request is and how it is answered is not known
here. `application` is for `serve run` and `serve deploy`, `serve` for `tersely serve --engine ray`.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from ray import serve as ray_serve
from ray.serve import Application
from ray.serve.config import AutoscalingConfig, HTTPOptions
from ray.serve.schema import LoggingConfig

from tersely import Compressor, InvalidInputError
from tersely.budget.counting import TokenCounter, token_counter
from tersely.scoring.models import model_path
from tersely_ray.session import one_thread_a_processor, ray_session
from tersely_server.serving import listen
from tersely_server.settings import ServerSettings

_NAME = "tersely"
# Requests that a replica takes beyond its queue, so that probes get through and it is the replica that says 429.
_ASIDE = 16

# So long must requests be too many: loading the model comes on top, and a request is given up after a minute.
_SECONDS_OF_LOAD = 10.0

_logger = logging.getLogger("tersely_server")


class Replicas(BaseModel):
    """How many replicas there are, and what each has."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)  # a token may be among it

    server: ServerSettings = ServerSettings()
    """Limits, token and model of each. Host and port are Ray Serve's affair where others start it."""

    min_replicas: int = Field(default=1, ge=1)
    """So many are always there."""

    max_replicas: int = Field(default=1, ge=1)
    """So many come when requests wait."""

    cpus: int = Field(default=1, ge=1)
    """Processors of a replica, and threads of its model."""

    gpus: float = Field(default=0, ge=0)
    """GPUs of a replica: 1, or a share such as 0.5."""


def application(replicas: Replicas) -> Application:
    """What Ray Serve deploys, such as `serve run tersely_ray.serve:application max_replicas=8`.

    Args:
        replicas: from the configuration's `args`.
    """
    settings, cpus = replicas.server, replicas.cpus

    def in_a_replica() -> Any:
        import torch

        from tersely_server.app import create_app

        torch.set_num_threads(cpus)
        logging.getLogger("tersely.notes").setLevel(logging.CRITICAL)  # answers carry the notes
        # Loaded before the replica counts as there: none is sent a request that it cannot answer yet.
        return create_app(settings, compressor=Compressor(settings.model, tokenizer=settings.tokenizer))

    deployment = ray_serve.deployment(
        name=_NAME,
        ray_actor_options={
            "num_cpus": cpus,
            "num_gpus": replicas.gpus,
            "runtime_env": {"env_vars": one_thread_a_processor(cpus)},
        },
        autoscaling_config=AutoscalingConfig(
            min_replicas=replicas.min_replicas,
            max_replicas=max(replicas.min_replicas, replicas.max_replicas),
            # Half of what a replica works on at once: another comes before the first ones make their callers wait.
            target_ongoing_requests=max(1, settings.threads // 2),
            upscale_delay_s=_SECONDS_OF_LOAD,
        ),
        max_ongoing_requests=settings.threads + settings.queue + _ASIDE,
        graceful_shutdown_timeout_s=settings.shutdown_seconds,
        logging_config=LoggingConfig(log_level="WARNING", enable_access_log=False),
    )
    return deployment(ray_serve.ingress(in_a_replica)()).bind()


def serve(replicas: Replicas) -> None:
    """Serve until SIGTERM or Ctrl-C, on the cluster of `RAY_ADDRESS` or on this machine.

    Raises:
        InvalidInputError: the address cannot be listened on, Ray cannot be reached, or no replica comes up.
        ModelError, TokenizerError: the model or the tokenizer cannot be had on this machine.
        KeyboardInterrupt: it was Ctrl-C.
    """
    settings = replicas.server
    port = _port(settings)
    model_path(settings.model)
    token_counter(settings.tokenizer, fallback=lambda: TokenCounter(settings.model, len))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _logger.setLevel(logging.INFO)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    with ray_session():
        stopped_by: list[int] = []
        stopped = threading.Event()

        def stop(number: int, _: Any) -> None:
            stopped_by.append(number)
            stopped.set()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            ray_serve.start(
                http_options=HTTPOptions(host=settings.host, port=port),
                logging_config=LoggingConfig(log_level="WARNING", enable_access_log=False),
            )
            try:
                ray_serve.run(application(replicas), name=_NAME)
            except RuntimeError as error:
                raise InvalidInputError(f"no replica came up: {str(error).strip().splitlines()[-1]}") from None
            _logger.info("listening on http://%s:%d", settings.host, port)
            stopped.wait()
        finally:
            ray_serve.delete(_NAME)
            for number, handler in before.items():
                signal.signal(number, handler)
        if signal.SIGINT in stopped_by:
            raise KeyboardInterrupt


def _port(settings: ServerSettings) -> int:
    """Where Ray is to be started on this machine, a port that is free here."""
    if os.environ.get("RAY_ADDRESS"):
        return settings.port
    with listen(settings.host, settings.port) as listener:
        return int(listener.getsockname()[1])
