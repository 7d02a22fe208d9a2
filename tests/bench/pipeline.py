#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feed to accepted: records per second of the whole flow, memory per role, start to ready.

usage: ./tests/bench/run pipeline [--records N]

The references of the same run: COPY of the same bytes into a plain table of the same PostgreSQL,
and a streaming XSD check of the same documents by xmllint.  build_wait is 0 s, so that the figure
holds work only; what the sample settings wait on top is printed apart.
"""
import argparse
import datetime
import glob
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from whole_site import Site, deadline_loop  # noqa: E402

ROLES = ("database", "sign", "poll", "map", "build", "submit")


def memory(pid):
    """Private and resident memory in MB."""
    private = resident = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if words[0] in ("Private_Clean:", "Private_Dirty:"):
                    private += int(words[1])
                elif words[0] == "Rss:":
                    resident = int(words[1])
    except OSError:
        return 0, 0
    return private / 1024, resident / 1024


def peak(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0


def start_to_ready(site, role):
    """Milliseconds from exec to the ready byte, the connection to PostgreSQL included."""
    reading, writing = os.pipe()
    started = time.monotonic()
    process = subprocess.Popen([site.path("bin/mhsflowd"), "--config", site.path("mhsflow.yaml"), "--role", role],
                               env=site._environment({"MHSFLOW_READY_FD": str(writing)}), pass_fds=(writing,),
                               stderr=subprocess.DEVNULL, **site._as_user())
    os.close(writing)
    told = os.read(reading, 1)
    took = (time.monotonic() - started) * 1000
    os.close(reading)
    process.terminate()
    process.wait(timeout=30)
    return took if told else None


def count_for(site, records):
    """How many people give at least so many records."""
    people = 400
    while True:
        done = site.run("mhsflow-sandbox", "generate", "--people", people, "--seed", site.seed, "--format", "ndjson")
        lines = done.stdout.count("\n")
        if lines >= records:
            return people, lines, done.stdout
        people = int(people * max(1.05, records * 1.02 / lines))


def bare_copy(site, text):
    """Seconds to COPY the same lines into a one-column table of the same server."""
    rows = site.path("rows.txt")
    with open(rows, "w", encoding="utf-8") as file:
        file.write(text.replace("\\", "\\\\"))
    site._own()
    command = ["psql", "-X", "-q", "-h", socket_of(site), "-U", "mhsflow", "-d", "mhsflow", "-c", "create table if not exists public.bare (line text)",
               "-c", f"\\timing on", "-c", f"\\copy public.bare from '{rows}'", "-c", "drop table public.bare"]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, **site._as_user())
    if done.returncode:
        return None
    taken = [line for line in done.stdout.splitlines() if line.startswith("Time:")]
    return float(taken[0].split()[1]) / 1000 if taken else time.monotonic() - started


def bare_xsd(site):
    documents = sorted(glob.glob(site.path("sandbox/accepted/*.xml")))
    started = time.monotonic()
    subprocess.run(["xmllint", "--noout", "--stream", "--schema", site.path("mappings/mhsds-6.0/mhsds-6.0.xsd"), *documents],
                   capture_output=True, check=False)
    return time.monotonic() - started, sum(map(os.path.getsize, documents)), len(documents)


def last_event(site, name):
    """When the daemon's journal last told of an event: asking for the state costs time too."""
    with open(site.log, encoding="utf-8", errors="replace") as file:
        times = [line.split()[0] for line in file if f" {name}:" in line]
    return datetime.datetime.fromisoformat(times[-1].replace("Z", "+00:00")).timestamp()


def socket_of(site):
    for at, _, files in os.walk(site.path("state")):
        if any(name.startswith(".s.PGSQL") for name in files):
            return at
    return site.path("state")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--records", type=int, default=100000)
    options = options.parse_args()
    site = Site(options.build, name="bench")
    try:
        site.people, records, text = count_for(site, options.records)
        site.start_sandbox("--tail", "0")
        with open(site.path("mhsflow.yaml"), encoding="utf-8") as file:
            settings = file.read().replace("build_wait: 1s", "build_wait: 0s")
        with open(site.path("mhsflow.yaml"), "w", encoding="utf-8") as file:
            file.write(settings)
        began = time.time()
        site.start_daemon()
        peaks = {}
        for _ in deadline_loop(1800, "all is accepted"):
            for role in ROLES:
                for pid in site.role_pids(role)[:1]:
                    peaks[role] = max(peaks.get(role, 0), peak(pid))
            if site.ready(site.settled):
                break
        whole = last_event(site, "submission_accepted") - began
        copied = bare_copy(site, text)
        checked, size, documents = bare_xsd(site)
        print(f"records                 {records:>10,}  from {site.people:,} people, {len(text) / 1e6:.1f} MB of NDJSON")
        print(f"feed to accepted        {whole:>10.2f} s  {records / whole:,.0f} records/s, start of all roles and initdb included")
        before = began
        for what, event in (("all roles up", "role_started"), ("feed read", "feed_caught_up"), ("people mapped", "map_done"),
                            ("months built and accepted", "submission_accepted")):
            at = last_event(site, event)
            print(f"  of it {what:<27} {at - before:>5.2f} s  {records / (at - before):,.0f} records/s")
            before = at
        if copied:
            print(f"bare COPY of the lines  {copied:>10.2f} s  ratio {whole / copied:.1f}")
        print(f"bare XSD check          {checked:>10.2f} s  {documents} documents, {size / 1e6:.1f} MB; ratio {whole / checked:.1f}")
        print("waiting apart           with the sample settings a month waits build_wait (2 min of quiet) before it is built,"
              " and a change up to poll_interval (5 min) before it is seen; neither is in the figure")
        print(f"{'role':<10} {'peak resident':>14} {'idle private':>13} {'idle resident':>14} {'start to ready':>15}")
        for role in ROLES:
            pids = site.role_pids(role)
            private, resident = memory(pids[0]) if pids else (0, 0)
            ready = start_to_ready(site, role) if role in ("map", "build", "poll", "submit") else None
            print(f"{role:<10} {peaks.get(role, 0):>11.1f} MB {private:>10.1f} MB {resident:>11.1f} MB "
                  + (f"{ready:>12.0f} ms" if ready else f"{'-':>15}"))
        print(json.dumps({"records": records, "seconds": round(whole, 2), "records_per_second": round(records / whole)}))
    finally:
        site.close()


if __name__ == "__main__":
    sys.exit(main())
