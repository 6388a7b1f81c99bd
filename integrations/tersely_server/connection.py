"""The former place of `ClientConnection`, kept for code that imports it from here: `tersely_server` gives it now."""

import warnings

from tersely_server.http import ClientConnection

__all__ = ["ClientConnection"]

warnings.warn(
    "tersely_server.connection is deprecated: import ClientConnection from tersely_server.",
    DeprecationWarning,
    stacklevel=2,
)
