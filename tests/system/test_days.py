#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole flow on days that are not like others: each month that is due on that day is accepted, and no other.

usage: test_days.py BUILD-FOLDER [DAY...]

Without days: the ends of months, of the financial year and of its last window, leap day and both clock changes.
With MHSFLOW_LONG set: every day of a year.
"""
import datetime
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_site import Site, Tap  # noqa: E402

ODD_DAYS = ["2026-12-31", "2027-01-01", "2027-03-28", "2027-04-01", "2027-05-28", "2027-05-29", "2026-10-25", "2028-02-29"]


def month_before(day, count):
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return f"{year:04}-{month + 1:02}"


def due_months(day):
    """By the stated fallback: ended months of this financial year, and of the last one until 28 May."""
    first = datetime.date(day.year if day.month >= 4 else day.year - 1, 4, 1)
    if day <= datetime.date(first.year, 5, 28) and day.month in (4, 5):
        first = datetime.date(first.year - 1, 4, 1)
    months = {month_before(day, count) for count in range(1, 15)}
    return {month for month in months if month >= first.strftime("%Y-%m")}


def one_day(build, text):
    day = datetime.date.fromisoformat(text)
    site = Site(build, people=24, seed=day.toordinal(), today=text, name="day")
    try:
        site.start_sandbox()
        site.start_daemon()
        site.wait_settled(90)
        accepted = {period for (_, period), one in site.newest().items() if one["state"] == "accepted"}
        due = due_months(day)
        assert accepted <= due, f"not due on {text}: {sorted(accepted - due)}"
        # The caseload is active in the three months before; whatever of them is due must be there.
        active = {month_before(day, count) for count in (1, 2)} & due
        assert active <= accepted, f"due on {text}, not accepted: {sorted(active - accepted)}"
        shown = {month["period"] for month in site.mhsflow("status")[0]["months"]}
        assert shown == due, f"status says {sorted(shown)}, due are {sorted(due)}"
        site.check_delivery()
        site.verify_audit()
    finally:
        site.close()


def main():
    build, days = sys.argv[1], sys.argv[2:] or ODD_DAYS
    if os.environ.get("MHSFLOW_LONG") and not sys.argv[2:]:
        first = datetime.date(2027, 3, 1)
        days = [(first + datetime.timedelta(count)).isoformat() for count in range(366)]
    tap = Tap()
    for day in days:
        tap.check(f"the whole flow on {day}", lambda day=day: one_day(build, day))
    print(f"# {len(days)} days walked")
    return tap.end()


sys.exit(main())
