"""The service as an ASGI application: its routes and the middleware before them. Knows no server and no signals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from tersely import Compressor, TerselyError, __version__
from tersely_server.compression import CompressCalls, Service, parse_batch, parse_call, parse_json, single_result
from tersely_server.documentation import BATCH, COMPRESS, HEALTH, METRICS, READY, RETRIEVE, complete
from tersely_server.errors import ServiceError, add_error_handlers, as_service_error, error_body
from tersely_server.gateway.compression import Conversations
from tersely_server.http import ClientConnection, Observation, OpenRequests, access_check, caller_of
from tersely_server.playground import playground_router
from tersely_server.proxy import proxy_router
from tersely_server.settings import ServerSettings

_DESCRIPTION = (
    "Compresses what a RAG pipeline sends to its LLM: more of the answer kept per token, never over budget. "
    "At `/` is a playground, a page that needs no token; what it asks for does."
)


def create_app(settings: ServerSettings | None = None, *, compressor: Compressor | None = None) -> FastAPI:
    """The application.

    Args:
        settings: limits, token and model; by default `ServerSettings()`.
        compressor: does the work; without one, the model of the settings is loaded when the application starts, and
            `/readyz` says when it is loaded.

    Returns:
        The application; its `state.service` is the `Service` behind it, its `state.requests` the `OpenRequests`.
    """
    settings = settings or ServerSettings()
    requests = OpenRequests()
    service = Service(settings, compressor)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.ensure_future(service.load())
        yield
        loading.cancel()
        requests.stop()
        service.admission.stop()

    app = FastAPI(
        title="Tersely",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.requests = requests
    guarded = [Depends(access_check(settings))]
    app.include_router(_probes(service))
    app.include_router(_compression(service), dependencies=guarded)
    if settings.proxy is not None:
        proxy = proxy_router(
            settings.proxy,
            service.compress,
            observe=lambda request: service.metrics.forwarded(
                request.status, request.upstream_status, request.rewrite_tokens
            ),
            own_token=settings.token is not None,
        )
        app.include_router(proxy, dependencies=guarded)
    app.include_router(playground_router())  # the page is public; the routes that it calls are guarded

    add_error_handlers(app, log_text=settings.log_text)
    app.add_middleware(
        ClientConnection,
        max_body_bytes=settings.max_body_bytes,
        body_seconds=settings.request_seconds,
        requests=requests,
    )
    app.add_middleware(Observation, metrics=service.metrics, log_text=settings.log_text)  # the outermost
    complete(app)
    return app


def _probes(service: Service) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", **HEALTH)
    async def health() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "ok"}

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", **READY)
    async def ready() -> dict[str, str]:
        """Whether work is taken: the model is loaded, and the service is not shutting down."""
        service.check_ready()
        return {"status": "ready"}

    return router


def _compression(service: Service) -> APIRouter:
    router = APIRouter()
    settings = service.settings
    conversations = Conversations(settings.gateway, service.originals, settings.request_seconds)

    @router.post("/v1/compress", tags=["compression"], **COMPRESS)
    async def compress(request: Request) -> Response:
        """Compress documents to a budget, or for a gateway the long tool results of a conversation."""
        with service.place():
            body, count = await request.body(), service.check_ready().tokenizer.count

            def work(compress: CompressCalls) -> bytes:
                value = parse_json(body)
                if isinstance(value, dict) and "messages" in value and "documents" not in value:
                    answer = conversations.compress(value, request.headers, caller_of(request), compress, count)
                    return answer.model_dump_json().encode()
                return single_result(compress([parse_call(value)])).model_dump_json().encode()

            return _json(await service.run(work))

    @router.get("/v1/retrieve/{id}", tags=["compression"], **RETRIEVE)
    async def retrieve(request: Request) -> dict[str, str]:
        """The original of a compressed text, where the service keeps originals."""
        id = request.path_params["id"]
        text = service.originals.get(caller_of(request), id)
        if text is None:
            raise ServiceError(
                404,
                "not_kept",
                "there is no original of that id for this caller: it was kept too long ago, or never; ask for it where "
                "it came from"
                if service.originals.kept
                else "this service keeps no originals; start it with --originals-bytes",
            )
        return {"id": id, "original_content": text}

    @router.post("/v1/compress/batch", tags=["compression"], **BATCH)
    async def compress_batch(request: Request) -> Response:
        """Compress several prompts, one after the other. The limits of a request hold for all of them together."""
        with service.place():
            body = await request.body()

            def work(compress: CompressCalls) -> bytes:
                calls, return_errors = parse_batch(body)
                results = []
                for position, result in enumerate(compress(calls)):
                    if not isinstance(result, TerselyError):
                        results.append(result.model_dump_json())
                        continue
                    error = as_service_error(result)
                    error.details["request"] = position
                    if not return_errors:
                        raise error
                    results.append(json.dumps(error_body(error)))
                return f'{{"results":[{",".join(results)}]}}'.encode()

            return _json(await service.run(work))

    @router.head("/metrics", include_in_schema=False)
    @router.get("/metrics", tags=["operation"], **METRICS)
    async def metrics() -> Response:
        """Counters in the format of Prometheus."""
        return Response(service.metrics.text(), media_type=service.metrics.content_type)

    return router


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
