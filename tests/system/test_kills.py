#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL for whatever role, again and again, while records come and months go: nothing lost, nothing accepted twice.

usage: test_kills.py BUILD-FOLDER [--count KILLS] [--seed SEED]

Each role is a process of its own here, started anew the moment it is gone, so that nothing waits
between two kills; PostgreSQL is killed now and then as well.  The clock goes ahead a little with each
kill of the sender, so that its leases end and what it left is asked about.  Afterwards: calm, and the
promises of test_promises.py.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from test_promises import PROMISES, Case  # noqa: E402
from whole_site import Tap, deadline_loop  # noqa: E402

ROLES = ("poll", "map", "build", "submit", "sign")
LEASE = 20        # seconds the clock goes ahead when the sender dies
REVEALS = 3       # kills between two changes of the feed
DATABASE = 100    # kills between two of PostgreSQL


class Kills(Case):
    def __init__(self, build, seed, count):
        super().__init__(build, seed, acts=1)
        self.site.people = 60
        self.profile, self.tail, self.count = "typical", min(1000, count // REVEALS + 30), count
        self.site.sandbox_options = ("--tail", str(self.tail), "--profile", self.profile)
        self.chance = random.Random(f"kills {seed}")
        self.running, self.killed = {}, dict.fromkeys((*ROLES, "database"), 0)

    def start(self, role):
        self.running[role] = subprocess.Popen(
            [self.site.path("bin/mhsflowd"), "--config", self.site.path("mhsflow.yaml"), "--role", role],
            env=self.site._environment(), stdout=subprocess.DEVNULL, stderr=open(self.site.log, "ab"), **self.site._as_user())

    def kill(self, number):
        role = "database" if number % DATABASE == DATABASE - 1 else self.chance.choice(ROLES)
        if role == "database":
            try:
                os.kill(self.site.postmaster(), signal.SIGKILL)
                self.killed[role] += 1
            except (AssertionError, ProcessLookupError, ValueError):
                pass  # it is being started
            return  # by its role, which lives
        self.running[role].kill()
        self.running[role].wait(timeout=60)
        if role == "submit":
            self.site.ahead += LEASE
            self.chaos.furthest = self.site.ahead
        self.killed[role] += 1
        self.start(role)

    def keep_alive(self):
        for role, process in list(self.running.items()):
            if process.poll() is not None:
                self.start(role)

    def play(self):
        site, began = self.site, time.monotonic()
        site.start_sandbox(*site.sandbox_options)
        for role in ("database", *ROLES):
            self.start(role)
        for _ in deadline_loop(120, "a month has been accepted"):
            self.keep_alive()
            if site.control("GET", "/state")["receiver"]["accepted"]:
                break
        for number in range(self.count):
            if number % REVEALS == 0:
                site.control("POST", "/reveal", {"count": 1})
            self.kill(number)
            self.keep_alive()
            self.chaos.pause(self.chance.random() * 0.15)
        self.chaos.overhear()
        for role in (*ROLES, "database"):
            self.running[role].terminate()
        for process in self.running.values():
            process.wait(timeout=90)
        self.chaos.calm()
        self.chaos.wait(300)
        self.read()
        took = ", ".join(f"{count} {role}" for role, count in self.killed.items())
        accepted = sum(one["state"] == "accepted" for one in self.submissions.values())
        unsure = sum(one["event"] == "submission_unsure" for one in self.events)
        print(f"# {sum(self.killed.values())} kills ({took}), {time.monotonic() - began:.0f} s; {len(self.submissions)} submissions,"
              f" {accepted} accepted, {unsure} times unsure", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--count", type=int, default=2000 if os.environ.get("MHSFLOW_LONG") else 100)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    tap = Tap()
    case = Kills(options.build, options.seed, options.count)
    try:
        if tap.check(f"{options.count} kills: settles afterwards", case.play):
            for name, look in PROMISES[:3] + PROMISES[5:6]:
                tap.check(name, lambda promise=look: promise(case))
    finally:
        case.site.close(keep=tap.failed and bool(os.environ.get("KEEP_FAILED")))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
