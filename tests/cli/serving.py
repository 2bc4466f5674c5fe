"""A real server on a free port of this machine, and the command line run against it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from qa_audit.cli.main import main
from qa_audit.runtime import Runtime
from tests.application import application


@contextmanager
def serving(runtime: Runtime) -> Iterator[str]:
    """Serve the application for the length of the block; gives its address."""
    server = make_server("127.0.0.1", 0, application(runtime), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def run(runtime: Runtime, *arguments: str, **variables: str) -> Result:
    """Run `qa-audit` as an operator of this installation would."""
    settings = runtime.settings
    environment = {
        "QA_AUDIT_DATA_DIR": str(settings.data_dir),
        "QA_AUDIT_DATABASE_URL": settings.database_url,
        **variables,
    }
    return CliRunner().invoke(main, list(arguments), env=environment)
