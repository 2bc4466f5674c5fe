"""Full and bare examples of what the administration's templates get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from qa_audit.web.admin.pages import (
    AgentLine,
    AgentPage,
    Figure,
    PartLine,
    PersonForm,
    PersonLine,
    Secret,
    SiteLine,
    StayForm,
    SystemPage,
    TaskLine,
    TasksPage,
    TeamLine,
    TokenRow,
    TokensPage,
    UserPage,
    UsersPage,
    VendorForm,
    VendorLine,
    VendorPage,
    VendorsPage,
    WorkerRow,
)
from qa_audit.web.pages import Choice, NavItem

MOMENT = datetime(2026, 11, 5, 18, 21, tzinfo=UTC)
NASTY = "<script>alert('Ana & Bo')</script>"
"""Stands for every text that comes from outside."""

TABS = (NavItem("System", "/admin/system", False), NavItem("People", "/admin/users", True))
CHOICES = (Choice("a", NASTY, True), Choice("b", "b"))
SECRET = Secret(NASTY, "https://qa.example.org/welcome/abc", NASTY)
PERSON = PersonForm("ana@example.org", NASTY, CHOICES, CHOICES)
VENDOR = VendorForm("acme", NASTY, CHOICES, "(?P<agent>.+)", f"Northwind\n{NASTY}")
STAY = StayForm(1, "2026-01-01", "2026-01-01", "", NASTY, CHOICES)
TASK = TaskLine(
    "t1", "/calls/abc", NASTY, NASTY, "measuring", "failed", "bad", 75.0, "3 tries", NASTY, "/calls/abc/retry"
)

USER = UserPage(TABS, "u1", NASTY, "can sign in", "plain", False, True, PERSON, NASTY, SECRET)
VENDOR_PAGE = VendorPage(
    tabs=TABS,
    here="/admin/vendors/acme",
    title=NASTY,
    form=VENDOR,
    sites=(SiteLine(1, NASTY, 2),),
    site_choices=CHOICES,
    teams=(
        TeamLine("t1", NASTY, "/admin/vendors/acme/teams/t1", 3, (NASTY, "Lee"), CHOICES),
        TeamLine("t2", "South", "/admin/vendors/acme/teams/t2", 0, (), ()),
    ),
    agents=(
        AgentLine("a1", "/admin/vendors/acme/agents/a1", NASTY, NASTY, NASTY, 3),
        AgentLine("a2", "/admin/vendors/acme/agents/a2", "Lou", "", "", 1),
    ),
    error=NASTY,
)
AGENT = AgentPage(
    tabs=TABS,
    here="/admin/vendors/acme/agents/a1",
    back="/admin/vendors/acme#agents",
    vendor=NASTY,
    title=NASTY,
    name=NASTY,
    aliases=NASTY,
    calls=3,
    stays=(STAY, replace(STAY, number=2, until="2026-02-01")),
    new=replace(STAY, number=0, was="", since=""),
    error=NASTY,
)

ADMIN_EXAMPLES: dict[str, tuple[object, ...]] = {
    "admin/agent.html": (
        AGENT,
        replace(AGENT, stays=(), new=replace(AGENT.new, teams=()), error=""),
    ),
    "admin/system.html": (
        SystemPage(
            TABS,
            "It works; something wants a look.",
            "person",
            (PartLine("Redis", "look", "person", NASTY, NASTY), PartLine("Disk", "fine", "good", "ok", "")),
            (
                WorkerRow(1, NASTY, "default", "silent", "person", "3 min ago"),
                WorkerRow(2, "b", "default", "ready", "plain", "1 s ago"),
            ),
            (("Python", "3.11"),),
        ),
        SystemPage(TABS, "Everything works.", "good", (), (), ()),
    ),
    "admin/tasks.html": (
        TasksPage(TABS, (Figure("failed", "1", "bad"),), (TASK,), NASTY, "demo", "/admin/tasks", True),
        TasksPage(TABS, (), (), "", "base.en", None, False),
    ),
    "admin/tokens.html": (
        TokensPage(
            TABS,
            (
                TokenRow("t1", "read", NASTY, MOMENT, MOMENT, "/admin/tokens/t1/revoke"),
                TokenRow("t2", "upload", "all vendors", MOMENT, None, None),
            ),
            CHOICES,
            CHOICES,
            NASTY,
            SECRET,
        ),
        TokensPage(TABS, (), CHOICES, (), "", None),
    ),
    "admin/user.html": (USER, replace(USER, is_disabled=True, is_me=False, error="", secret=None)),
    "admin/users.html": (
        UsersPage(
            TABS,
            (
                PersonLine("u1", "/admin/users/u1", NASTY, "a@example.org", "lead", NASTY, "shut out", "bad"),
                PersonLine(
                    "u2", "/admin/users/u2", "Bo", "b@example.org", "admin", "everything", "in", "plain"
                ),
            ),
            PERSON,
            NASTY,
            SECRET,
        ),
        UsersPage(TABS, (), PERSON, "", None),
    ),
    "admin/vendor.html": (
        VENDOR_PAGE,
        replace(VENDOR_PAGE, sites=(), site_choices=(), teams=(), agents=(), error=""),
    ),
    "admin/vendors.html": (
        VendorsPage(
            TABS,
            (
                VendorLine("acme", "/admin/vendors/acme", NASTY, "agent on the left side", 3, True),
                VendorLine("zenith", "/admin/vendors/zenith", "Z", "agent on the left side", 0, False),
            ),
            VENDOR,
            NASTY,
        ),
        VendorsPage(TABS, (), VENDOR, ""),
    ),
}
