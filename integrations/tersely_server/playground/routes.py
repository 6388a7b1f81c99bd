"""Serves the page at `/`, its files and a list of prices.

The page is plain HTML, CSS and JavaScript modules in the folder `page`. It compresses through `POST /v1/compress` of
the same service, which is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import JSONResponse

from tersely_eval.report.money import read_prices

FOLDER = Path(__file__).parent / "page"

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Documents are foreign text. Even if the page took it for markup, nothing in it could run, load or be sent.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def playground_router() -> APIRouter:
    """Routes of the page: `/`, its files below `/playground/`, and the list prices that it computes savings with.

    None of them needs a token, because all that they serve ships with Tersely.
    """
    router = APIRouter(include_in_schema=False)
    files = {file.name: file.read_bytes() for file in FOLDER.iterdir() if file.suffix in _MEDIA_TYPES}
    prices = [
        price.model_dump(mode="json", include={"model", "input_dollars", "source", "read_on"})
        for price in read_prices().values()
    ]

    @router.head("/")
    @router.get("/")
    def page() -> Response:
        return _file(files, "index.html")

    @router.head("/playground/prices.json")
    @router.get("/playground/prices.json")
    def list_prices() -> Any:
        return JSONResponse(prices, headers=_HEADERS)

    @router.head("/playground/{name}")
    @router.get("/playground/{name}")
    def file(name: str) -> Response:
        return _file(files, name)

    return router


def _file(files: Mapping[str, bytes], name: str) -> Response:
    if name not in files:
        raise HTTPException(404, f"the playground has no file {name!r}")
    return Response(files[name], headers=_HEADERS, media_type=_MEDIA_TYPES[Path(name).suffix])
