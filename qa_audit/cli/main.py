"""The `qa-audit` command: finds each subcommand's module only when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from qa_audit.errors import Invalid, QaAuditError

COMMANDS = {
    "backup": "qa_audit.cli.backup:backup",
    "db": "qa_audit.cli.database:db",
    "demo": "qa_audit.cli.demo:demo",
    "doctor": "qa_audit.cli.doctor:doctor",
    "restore": "qa_audit.cli.backup:restore",
    "rubric": "qa_audit.cli.rubric:rubric",
    "serve": "qa_audit.cli.processes:serve",
    "sweep": "qa_audit.cli.processes:sweep",
    "token": "qa_audit.cli.accounts:token",
    "transcribe": "qa_audit.cli.transcribe:transcribe",
    "upload": "qa_audit.cli.upload:upload",
    "user": "qa_audit.cli.accounts:user",
    "vendor": "qa_audit.cli.vendors:vendor",
    "worker": "qa_audit.cli.processes:worker",
}
"""Each command's name and where it lives (`module:attribute`)."""


class Commands(click.Group):
    """A group that imports a command only when it is used, so that nothing heavy loads unasked."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command, or None when there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error becomes one line on stderr unless `--debug` is given."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # the last: whoever read the output has enough of it, and click ends without a word
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"qa-audit: {_one_line(error)}", err=True)
            ctx.exit(2 if isinstance(error, Invalid) else 1)


def _one_line(error: Exception) -> str:
    if isinstance(error, QaAuditError):
        details = "; ".join(f"{name}: {text}" for name, text in getattr(error, "fields", {}).items())
        return " ".join(part for part in (error.message, f"({details})" if details else "") if part)
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0] if first else ''} Run again with --debug to see where."


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
@click.version_option(package_name="qa-audit")
def main(debug: bool) -> None:
    """Audit outsourced customer calls, from recording to scorecard.

    Example: qa-audit upload recordings/ --vendor acme
    """


if __name__ == "__main__":
    sys.exit(main())
