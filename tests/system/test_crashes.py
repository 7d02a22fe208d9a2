#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The crash matrix: kill -9 at every named fault point; afterwards nothing is lost, nothing doubled, the audit whole.

usage: test_crashes.py BUILD-FOLDER [POINT …]

One site per point would spend its time in initdb, so the matrix walks one site:
for each point the daemon is started with MHSFLOW_FAULT set, something new is
revealed by the feed so that a record passes the point, the process must have been
killed there, and without the fault all must settle again.
"""
import datetime
import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from whole_site import SOURCE, Site, Tap, deadline_loop  # noqa: E402


def fault_points():
    """All but those of files, which this site does not read: test_drops.py walks them."""
    with open(os.path.join(SOURCE, "daemon/base/fault.def"), encoding="utf-8") as file:
        found = re.findall(r'^FAULT_POINT\(\w+,\s*"([a-z._]+)"', file.read(), re.MULTILINE)
    return [point for point in found if not point.startswith("drop.")]


def crash_at(site, point):
    """Let something new pass `point` with the fault armed, then recover without it, the leases run out."""
    killed = f'killed at {point}'
    mark = os.path.getsize(site.log)
    site.start_daemon({"MHSFLOW_FAULT": point})
    for turn, _ in enumerate(deadline_loop(120, killed)):
        if turn % 20 == 0:  # not every change of the feed changes a month
            site.control("POST", "/reveal", {"count": 3})
        with open(site.log, encoding="utf-8", errors="replace") as log:
            log.seek(mark)
            if "signal 9" in log.read():
                break
    site.stop_daemon()
    site.ahead += 180  # every lease is over, by the database's clock as by ours
    site.start_daemon()
    try:
        site.wait_settled(60)
        site.check_delivery()
        site.verify_audit()
    finally:
        site.stop_daemon()


def main():
    tap = Tap()
    points = sys.argv[2:] or fault_points()
    site = Site(sys.argv[1], people=30, today=datetime.date.today().isoformat(), name="crash")
    try:
        site.start_sandbox("--tail", "400")
        if tap.check("the site settles once without a fault", lambda: (site.start_daemon(), site.wait_settled(180),
                                                                      site.stop_daemon())):
            for point in points:
                tap.check(f"killed at {point}: nothing lost, nothing doubled, audit whole",
                          lambda at=point: crash_at(site, at))
    finally:
        site.close()
    print(f"# fault points: {len(points)} of {len(fault_points())}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
