#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feed to store: changes per second over TLS and from local files, poll to durable, memory of the poll role.

usage: ./tests/bench/run ingest [--records N] [--page-size N] [--reveals N]

Only the database and the poll role run, so that the figure is of taking in alone; the sandbox, which plays the feed, shares the
machine.  The reference of the same run is COPY of the very rows that were taken in, out of the store and back into a table
without and with the store's own indexes.
"""
import argparse
import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from whole_site import Site, deadline_loop  # noqa: E402
from pipeline import count_for, peak, socket_of  # noqa: E402

COLUMNS = "feed, type, id, version, round, seq, recorded_at, org, deleted, restricted, parent_type, parent_id, owner, person, record"


class IngestSite(Site):
    """A site whose settings name one feed of our choice, and of whose roles two run."""

    def __init__(self, build, feed_lines, **more):
        self.feed_lines, self.roles = feed_lines, {}
        super().__init__(build, **more)

    def write_settings(self, ports, lines=""):
        super().write_settings(ports, lines)
        with open(self.path("mhsflow.yaml"), encoding="utf-8") as file:
            text = file.read()
        begin, end = text.index("feeds:\n"), text.index("routes:\n")
        own = self.feed_lines(self, ports)
        feed = "".join(f"    {line}\n" for line in own)
        text = text[:begin] + f"feeds:\n  - name: bench\n    id_prefix: b\n    poll_interval: 1s\n{feed}" + text[end:]
        with open(self.path("mhsflow.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def start_role(self, role):
        """Returns when the role is ready; the time of the call to start it."""
        reading, writing = os.pipe()
        began = time.time()
        self.roles[role] = subprocess.Popen(
            [self.path("bin/mhsflowd"), "--config", self.path("mhsflow.yaml"), "--role", role],
            env=self._environment({"MHSFLOW_READY_FD": str(writing)}), pass_fds=(writing,), stdout=subprocess.DEVNULL,
            stderr=open(self.log, "ab"), **self._as_user())
        os.close(writing)
        if role == "database":
            os.read(reading, 1)
        os.close(reading)
        return began

    def stop_roles(self):
        for role in ("poll", "database"):
            process = self.roles.pop(role, None)
            if process:
                process.terminate()
                process.wait(timeout=90)

    def event(self, name):
        """When the journal told of an event; None: not yet."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            times = [line.split()[0] for line in file if f" {name}:" in line]
        return datetime.datetime.fromisoformat(times[-1].replace("Z", "+00:00")).timestamp() if times else None

    def psql(self, *statements, check=True):
        command = ["psql", "-X", "-q", "-A", "-t", "-h", socket_of(self), "-U", "mhsflow", "-d", "mhsflow"]
        for statement in statements:
            command += ["-c", statement]
        return subprocess.run(command, capture_output=True, text=True, check=check, **self._as_user()).stdout

    def timed(self, statement, before=()):
        """Seconds of one statement, as psql took it."""
        text = self.psql(*before, "\\timing on", statement)
        return float(re.findall(r"Time: ([0-9.]+) ms", text)[-1]) / 1000

    def close(self, keep=False):
        self.stop_roles()
        super().close(keep)


def take_in(site):
    """Seconds from the poll role's start until the feed is caught up, changes and peak memory."""
    site.start_role("database")
    began = site.start_role("poll")
    for _ in deadline_loop(3600, "the feed is read"):
        if site.event("feed_caught_up"):
            break
        if site.event("feed_stopped") or site.roles["poll"].poll() is not None:
            raise AssertionError(site.tail())
    return site.event("feed_caught_up") - began


def busy(pid):
    """Processor seconds of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def server_busy(site):
    """Processor seconds of all of PostgreSQL's processes."""
    parent, found = site.postmaster(), 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                if int(file.read().rpartition(")")[2].split()[1]) == parent:
                    found += busy(pid)
        except OSError:
            pass
    return found


def say(site, what, changes, seconds, aim):
    """Beside the clock's seconds those of the processor, which others on the machine do not change."""
    poll = site.roles["poll"].pid
    memory, ours, theirs = peak(poll), busy(poll), server_busy(site)
    print(f"{what:<24}{changes:>10,} changes {seconds:>8.2f} s {changes / seconds:>10,.0f} changes/s   aim {aim:,};"
          f" poll role at most {memory:.1f} MB (aim 64)")
    print(f"{'  processor':<24}{ours:>8.2f} s poll role, {theirs:.2f} s PostgreSQL: {(ours + theirs) / changes * 1e6:.0f} us a change")
    return memory


def copy_reference(site, seconds):
    rows = site.path("state", "rows.copy")
    site.psql(f"\\copy (select {COLUMNS} from mhsflow.source_record) to '{rows}'")
    size = os.path.getsize(rows)
    for what, like in (("bare COPY of the rows", ""), ("  with the same indexes", "including all")):
        took = site.timed(f"\\copy bare ({COLUMNS}) from '{rows}'",
                          (f"create table bare (like mhsflow.source_record {like})",))
        site.psql("drop table bare")
        print(f"{what:<24}{size / 1e6:>10.1f} MB      {took:>8.2f} s  ratio {seconds / took:.1f}")
    os.unlink(rows)


def stored(site):
    feed = site.mhsflow("feed", "show", "bench")[0]
    return feed["changes"], feed["pages"]


def latency(site, reveals, rest):
    """Seconds from the source showing one change until another connection sees it committed."""
    ask = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-h", socket_of(site), "-U", "mhsflow", "-d", "mhsflow"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **site._as_user())

    def place():
        ask.stdin.write("select seq from mhsflow.feed_state;\n")
        ask.stdin.flush()
        return int(ask.stdout.readline())

    took = []
    for _ in range(reveals):
        time.sleep(rest)  # until the feed is asked again
        before, began = place(), time.monotonic()
        site.control("POST", "/reveal", {"count": 1})
        while place() == before:
            if time.monotonic() - began > 60:
                raise AssertionError("a change did not come in")
            time.sleep(0.002)
        took.append(time.monotonic() - began)
    ask.stdin.close()
    ask.wait(timeout=30)
    return took


def mef_lines(page_size, wait):
    def lines(site, ports):
        return ("adapter: mef", f"url: https://127.0.0.1:{ports['feed']}/export/v1", f"token: {site.path('sandbox/feed.token')}",
                f"ca: {site.path('sandbox/ca.pem')}", f"page_size: {page_size}", f"wait: {wait}s")
    return lines


def over_tls(options):
    site = IngestSite(options.build, mef_lines(options.page_size, 0), name="bench")
    try:
        site.people = options.people
        site.start_sandbox("--tail", "0")
        seconds = take_in(site)
        changes, pages = stored(site)
        memory = say(site, "over TLS", changes, seconds, 20000)
        print(f"{'':<24}{pages:>10,} pages, the sandbox on the same {os.cpu_count()} processors")
        copy_reference(site, seconds)
        return changes, seconds, memory
    finally:
        site.close()


def poll_to_durable(options):
    for wait, what in ((0, "poll_interval: 1s"), (30, "long poll (wait: 30s)")):
        site = IngestSite(options.build, mef_lines(options.page_size, wait), name="bench")
        try:
            site.people = 400
            site.start_sandbox("--tail", str(options.reveals + 1))
            take_in(site)
            took = latency(site, options.reveals, 1.5 if wait else 0)
            print(f"poll to durable         {what:<22} median {statistics.median(took) * 1000:.0f} ms, most {max(took) * 1000:.0f} ms"
                  f" of {len(took)}   aim 2,000")
        finally:
            site.close()


def from_files(options):
    def lines(site, ports):
        return ("adapter: csv_drop", f"folder: {site.path('drops')}", f"page_size: {options.page_size}")
    site = IngestSite(options.build, lines, name="bench")
    try:
        os.mkdir(site.path("drops"), 0o700)
        site._own()
        site.write_settings(site.ports())
        site._own()
        site.run("mhsflow-sandbox", "generate", "--format", "csv-drop", "--people", options.people, "--seed", site.seed,
                 "--out", site.path("made"), timeout=1800)
        made = [name for name in os.listdir(site.path("made")) if not name.endswith(".sha256")]
        for name in made + [f"{name}.sha256" for name in made]:
            shutil.move(site.path("made", name), site.path("drops", name))
        site._own()
        seconds = take_in(site)
        changes, _ = stored(site)
        memory = say(site, "from local files (CSV)", changes, seconds, 50000)
        copy_reference(site, seconds)
        return changes, seconds, memory
    finally:
        site.close()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--records", type=int, default=100000)
    options.add_argument("--page-size", type=int, default=2000)
    options.add_argument("--reveals", type=int, default=20)
    options.add_argument("--only", choices=("tls", "files", "latency"))
    options = options.parse_args()
    counter = Site(options.build, name="bench")
    options.people, _, _ = count_for(counter, options.records)
    counter.close()
    result = {}
    for name, step in (("tls", over_tls), ("files", from_files)):
        if options.only in (None, name):
            changes, seconds, memory = step(options)
            result[name] = {"changes": changes, "changes_per_second": round(changes / seconds), "megabytes": round(memory, 1)}
    if options.only in (None, "latency"):
        poll_to_durable(options)
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
