"""What stands between a client and the routes: who may call, how large and slow a request may be, what is logged."""

from tersely_server.http.authentication import access_check, caller_of
from tersely_server.http.connection import ClientConnection, OpenRequests
from tersely_server.http.observation import Observation
from tersely_server.http.protocol import bounded_protocol

__all__ = ["ClientConnection", "Observation", "OpenRequests", "access_check", "bounded_protocol", "caller_of"]
