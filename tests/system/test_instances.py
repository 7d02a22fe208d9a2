#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two daemons on one database, as on two machines: they share the work, nothing goes twice, and one may vanish.

usage: test_instances.py BUILD-FOLDER

The second has a state folder, spool and signer of its own, and reaches the first one's PostgreSQL by a
connection string with two hosts, of which one does not answer.
"""
import collections
import os
import platform
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from whole_site import Site, Tap, deadline_loop  # noqa: E402

ROLES = ("poll", "map", "build", "submit")


class Two:
    def __init__(self, build):
        self.site = Site(build, people=60, seed=7, name="instances")
        self.second = None

    def start_both(self):
        site = self.site
        site.start_sandbox("--tail", "80")
        site.start_daemon()
        for _ in deadline_loop(60, "the first runs"):
            if site.ready(lambda: all(site.mhsflow("status")[0]["roles"].values())):
                break
        with open(site.path("mhsflow.yaml"), encoding="utf-8") as file:
            text = file.read()
        hosts = f"{site.path('nobody')},{site.path('state/run/database')}"
        text = text.replace(f"state: {site.path('state')}", f"state: {site.path('state2')}")
        text = text.replace("database: embedded",
                            f'database: "host={hosts} user=mhsflow dbname=mhsflow target_session_attrs=read-write"')
        os.mkdir(site.path("state2"), 0o700)
        with open(site.path("second.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        site._own()
        self.second = subprocess.Popen([site.path("bin/mhsflowd"), "--config", site.path("second.yaml")],
                                       env=site._environment(), stdout=subprocess.DEVNULL, stderr=open(site.log, "ab"),
                                       start_new_session=True, **site._as_user())

    def processes(self):
        return [one for one in self.site.mhsflow("status")[0]["processes"] if one["alive"] and one["role"] in ROLES]

    def are_both_shown(self):
        for _ in deadline_loop(60, "status shows two of each role"):
            if collections.Counter(one["role"] for one in self.processes()) == dict.fromkeys(ROLES, 2):
                break
        holders = [one["holder"] for one in self.processes()]
        assert len(set(holders)) == len(holders), holders
        assert not any(platform.node() in holder for holder in holders), "a host's name says nothing about a process"
        shown = self.site.run("mhsflow", "status", check=False).stdout
        assert all(holder[:20] in shown for holder in holders), shown

    def share(self):
        self.site.control("POST", "/reveal", {"count": 40})
        self.site.wait_settled(150)
        self.site.check_delivery()
        self.site.verify_audit()

    def one_vanishes(self):
        self.site.control("POST", "/reveal", {"count": 20})
        os.killpg(self.second.pid, signal.SIGKILL)
        for pid in self.orphans():
            os.kill(pid, signal.SIGKILL)
        self.second.wait(timeout=60)
        self.second = None
        self.site.control("POST", "/reveal", {})
        self.site.wait_settled(200)
        self.site.check_delivery()
        self.site.verify_audit()

    def orphans(self):
        """Processes of the second daemon, by its settings file."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if self.site.path("second.yaml").encode() in file.read().split(b"\0"):
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def close(self):
        for pid in self.orphans():
            os.kill(pid, signal.SIGKILL)
        if self.second:
            self.second.wait(timeout=60)
        self.site.close()


def main():
    tap = Tap()
    two = Two(sys.argv[1])
    try:
        if tap.check("two daemons start on one database", two.start_both):
            tap.check("status shows each process, by its start and never by its host", two.are_both_shown)
            tap.check("both work, nothing goes twice", two.share)
            tap.check("one vanishes and the other goes on", two.one_vanishes)
    finally:
        two.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
