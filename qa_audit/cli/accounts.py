"""`qa-audit user` and `qa-audit token`: who signs in, and what scripts sign in with."""

from __future__ import annotations

import click

from qa_audit.config import Settings
from qa_audit.runtime import build_runtime
from qa_audit.services import accounts


@click.group()
def user() -> None:
    """Add people who sign in, and shut them out.

    Example: qa-audit user add ana@example.org --role reviewer
    """


@user.command("add")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(accounts.ROLES), help="What the person may do.")
@click.option("--vendor", help="The vendor, by its slug: for managers, leads and agents.")
@click.option("--team", help="The team of a lead, by its name.")
@click.option("--agent", help="Who an agent is, by the name that uploads give.")
@click.option("--name", default="", help="The name that others see.")
def add_user(
    email: str, role: str, vendor: str | None, team: str | None, agent: str | None, name: str
) -> None:
    """Add a person and print the link, good once and for three days, that sets their password.

    Example: qa-audit user add lee@example.org --role lead --vendor acme --team North
    """
    runtime = build_runtime()
    token = accounts.create_user(runtime, email, role, name=name, vendor_slug=vendor, team=team, agent=agent)
    _print_link(runtime.settings, token, "for three days")


@user.command("link")
@click.argument("email")
def link_user(email: str) -> None:
    """Print a new link that sets a password; links given before stop working.

    It works once: for three days, or for 30 minutes where it replaces a password.

    Example: qa-audit user link ana@example.org
    """
    runtime = build_runtime()
    _print_link(
        runtime.settings,
        accounts.new_link(runtime, email),
        "for three days, or for 30 minutes where it replaces a password",
    )


@user.command("disable")
@click.argument("email")
def disable_user(email: str) -> None:
    """Shut a person out at once, wherever they are signed in.

    Example: qa-audit user disable ana@example.org
    """
    accounts.disable_user(build_runtime(), email)
    click.echo(f"{email} is shut out.")


@user.command("list")
def list_users() -> None:
    """List the accounts.

    Example: qa-audit user list
    """
    for account in accounts.list_users(build_runtime()):
        state = "disabled" if account.disabled else "active" if account.password_hash else "no password yet"
        click.echo(f"{account.email}\t{account.role}\t{state}")


@click.group()
def token() -> None:
    """Make tokens for scripts, and revoke them.

    Example: qa-audit token create --scope upload --vendor acme
    """


@token.command("create")
@click.option("--scope", required=True, type=click.Choice(accounts.SCOPES), help="What the token may do.")
@click.option("--vendor", help="Bind the token to one vendor, by its slug.")
def create_token(scope: str, vendor: str | None) -> None:
    """Print a new token, this once: only its hash is kept.

    Example: qa-audit token create --scope upload --vendor acme
    """
    click.echo(accounts.create_token(build_runtime(), scope, vendor))


@token.command("revoke")
@click.argument("token")
def revoke_token(token: str) -> None:
    """Make a token worthless at once.

    Example: qa-audit token revoke qa_…
    """
    accounts.revoke_token(build_runtime(), token)
    click.echo("The token is revoked.")


def _print_link(settings: Settings, link: str, lives: str) -> None:
    base = settings.public_url or settings.url.rstrip("/") or settings.address
    click.echo(f"{base}/welcome/{link}")
    click.echo(f"The link works once, {lives}. Give it to the person and to nobody else.", err=True)
