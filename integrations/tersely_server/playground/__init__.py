"""The playground: `playground_router` serves a page where a person sees what compression keeps."""

from tersely_server.playground.routes import playground_router

__all__ = ["playground_router"]
