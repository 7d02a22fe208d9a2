#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The queue: enqueue and claim-to-complete with all audit events, by one connection, and enqueue to wire.

usage: ./tests/bench/run queue [--jobs N] [--rounds N]

The references of the same run: COPY into, and claim and completion of, the least queue that SQL can
have (queue_steps.c), at the same batch; each also while a session holds an old snapshot.  Medians
over the rounds.  Between enqueue and wire: from the commit that made the submission to the commit of
the intent, after which the first byte leaves; the document is signed and its gate asked in between.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys

# In place of this folder: a module of the library has this file's name.
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system")
from whole_site import Site, deadline_loop  # noqa: E402


class Queue:
    def __init__(self, site):
        self.site = site
        self.place = f"host={site.path('state/run/database')} user=mhsflow dbname=mhsflow"
        self.program = site.path("bin/bench-queue")

    def sql(self, statement, check=True):
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.place, "-c", statement],
                              capture_output=True, text=True, check=False, **self.site._as_user())
        if check and done.returncode:
            raise SystemExit(done.stderr)
        return done

    def step(self, name, count, at_once, *more):
        done = subprocess.run([self.program, self.place, name, str(count), str(at_once), *more], capture_output=True,
                              text=True, check=False, **self.site._as_user())
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr}")
        return count / float(done.stdout)

    def hold(self):
        """A session that reads once and stays: nothing that died since can be vacuumed."""
        held = subprocess.Popen(["psql", "-XqAt", "-d", self.place], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True, **self.site._as_user())
        held.stdin.write("begin isolation level repeatable read; select 'held' from pg_class limit 1;\n")
        held.stdin.flush()
        held.stdout.readline()
        return held


def measure(queue, jobs, rounds):
    figures = {}

    def note(key, value):
        figures.setdefault(key, []).append(value)

    for _ in range(rounds):
        for at_once, count in ((1, jobs // 4), (100, jobs)):
            for snapshot in (False, True):
                note(("bare-copy", at_once, False), queue.step("bare-copy", count, at_once))
                note(("enqueue", at_once, False), queue.step("enqueue", count, at_once))
                queue.sql("vacuum analyze mhsflow.submission, mhsflow.submission_queue, bare.queue, bare.payload")
                held = queue.hold() if snapshot else None
                note(("bare-finish", at_once, snapshot), queue.step("bare-finish", count, at_once))
                note(("finish", at_once, snapshot), queue.step("finish", count, at_once))
                if held:
                    held.stdin.close()
                    held.wait(timeout=60)
    return {key: statistics.median(values) for key, values in figures.items()}


def show(figures):
    print(f"{'':<44}{'ours/s':>10}{'bare/s':>10}{'ratio':>8}")
    for at_once in (1, 100):
        ours, bare = figures["enqueue", at_once, False], figures["bare-copy", at_once, False]
        print(f"{f'enqueue with audit, {at_once} a commit (COPY)':<44}{ours:>10,.0f}{bare:>10,.0f}{ours / bare:>8.0%}")
    for snapshot in (False, True):
        for at_once in (1, 100):
            ours, bare = figures["finish", at_once, snapshot], figures["bare-finish", at_once, snapshot]
            words = f"claim to complete, batch {at_once}{', old snapshot' if snapshot else ''}"
            print(f"{words:<44}{ours:>10,.0f}{bare:>10,.0f}{ours / bare:>8.0%}")
    for at_once in (1, 100):
        share = figures["finish", at_once, True] / figures["finish", at_once, False]
        print(f"{f'held snapshot, of its own rate, batch {at_once}':<44}{share:>28.0%}")


def wire(queue, samples):
    spool = queue.site.path("state/spool")
    queue.step("wire", samples, 1, spool)
    for _ in deadline_loop(120, "all were tried"):
        tried = queue.sql("select count(distinct submission) from mhsflow.attempt a join mhsflow.submission s"
                          " on s.id = a.submission where s.provider like 'B99%'").stdout
        if int(tried) >= samples:
            break
    answer = queue.sql("select percentile_cont(array[0.5, 0.99]) within group (order by ms) from (select"
                       " extract(epoch from min(a.at) - s.created_at) * 1000 as ms from mhsflow.attempt a"
                       " join mhsflow.submission s on s.id = a.submission where s.provider like 'B99%'"
                       " group by s.id) t").stdout.strip().strip("{}").split(",")
    print(f"{'enqueue to wire, p50 and p99':<44}{float(answer[0]):>8.1f} ms{float(answer[1]):>8.1f} ms")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--jobs", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=100)
    options = parser.parse_args()
    site = Site(options.build, people=20, name="bench-queue")
    queue = Queue(site)
    try:
        site.start_sandbox()
        shutil.copy(os.path.join(options.build, "tests/bench/bench-queue"), queue.program)
        site.start_daemon()
        for _ in deadline_loop(60, "the database answers"):
            if queue.sql("select 1 from mhsflow.submission limit 1", check=False).returncode == 0:
                break
        site.wait_settled()
        wire(queue, options.samples)
        site.stop_daemon()
        server = subprocess.Popen([site.path("bin/mhsflowd"), "--config", site.path("mhsflow.yaml"), "--role", "database"],
                                  env=site._environment(), stderr=subprocess.DEVNULL, **site._as_user())
        try:
            for _ in deadline_loop(60, "the database answers"):
                if queue.sql("select 1 from mhsflow.submission limit 1", check=False).returncode == 0:
                    break
            queue.sql("update mhsflow.submission_queue set next_at = 'infinity' where state = 'ready'")
            show(measure(queue, options.jobs, options.rounds))
        finally:
            server.terminate()
            server.wait(timeout=60)
    finally:
        site.close()


main()
