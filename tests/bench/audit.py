#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The audit: events appended, sealed and verified per second, the size of a proof.

usage: ./tests/bench/run audit [--events N]

The references of the same run: COPY of as many events into the same table without chains made, one
SQL statement that hashes every event once, and bare SHA-256 of as many bytes in this process.
Appending is the daemon's own code, a hundred events a transaction, by one writer and by eight.
Sealing is the role, 1,000 events a checkpoint, all on disk in the database and outside.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from whole_site import Site, deadline_loop  # noqa: E402


def events(count, writers=8):
    """Lines for COPY, chained as the daemon chains them."""
    heads = {f"bench:{i:032x}": (0, "0" * 64) for i in range(writers)}
    names = list(heads)
    for number in range(count):
        writer = names[number % writers]
        seq, previous = heads[writer][0] + 1, heads[writer][1]
        at = f"2026-11-23T02:20:00.{number % 1000000:06d}Z"
        fields = '{"feed":"bench","from":"ok","to":"down"}'
        body = (f'{{"at":"{at}","event":"feed_changed","fields":{fields},"previous":"{previous}","seq":{seq},'
                f'"writer":"{writer}"}}')
        digest = hashlib.sha256(b"\0" + body.encode()).hexdigest()
        heads[writer] = (seq, digest)
        yield f"{writer}\t{seq}\t{at}\tfeed_changed\t{fields}\t\\\\x{previous}\t\\\\x{digest}\n"


class Bench:
    def __init__(self, site):
        self.site = site

    def sql(self, *commands, stdin=None, check=True):
        words = [word for command in commands for word in ("-c", command)]
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.site.path("state/run/database"), "-U",
                               "mhsflow", "-d", "mhsflow", "-c", "set search_path = mhsflow, public", *words], input=stdin,
                              capture_output=True, text=True, check=False, **self.site._as_user())
        if check and done.returncode:
            raise SystemExit(done.stderr)
        return done

    def role(self, name):
        return subprocess.Popen([self.site.path("bin/mhsflowd"), "--config", self.site.path("mhsflow.yaml"), "--role", name],
                                env=self.site._environment(), stderr=subprocess.DEVNULL, **self.site._as_user())


def timed(step):
    started = time.monotonic()
    answer = step()
    return time.monotonic() - started, answer


def append(bench, writers, count):
    program = bench.site.path("bin/append")
    shutil.copy(os.path.join(bench.site.build, "tests/bench/bench-audit-append"), program)
    place = f"host={bench.site.path('state/run/database')} user=mhsflow dbname=mhsflow"
    taken, _ = timed(lambda: subprocess.run([program, place, str(writers), str(count)], check=True,
                                            **bench.site._as_user()))
    return count / taken


def bare_hash(text):
    lines = [line.encode() for line in text.splitlines()]
    return len(lines) / timed(lambda: [hashlib.sha256(line).digest() for line in lines])[0]


def measure(bench, count):
    text = "".join(events(count))
    copied, _ = timed(lambda: bench.sql("copy audit_event (writer, seq, at, event, fields, previous, hash) from stdin",
                                        stdin=text))
    hashed, _ = timed(lambda: bench.sql("select count(sha256(convert_to(fields::text || previous::text || writer || event, "
                                        "'UTF8'))) from audit_event"))

    rates = {writers: append(bench, writers, count // 4) for writers in (1, 8)}
    whole = int(bench.sql("select count(*) from audit_event").stdout)

    def seal():
        bench.role_seal = bench.role("seal")
        for _ in deadline_loop(1200, "all is sealed"):
            if int(bench.sql("select count(*) from audit_leaf").stdout) >= whole:
                return

    sealed, _ = timed(seal)
    bench.role_seal.terminate()
    bench.role_seal.wait(timeout=60)
    verified, done = timed(lambda: bench.site.run("mhsflow", "audit", "verify", timeout=1200))
    assert done.returncode == 0, done.stdout
    proof = bench.site.run("mhsflow", "audit", "prove", count // 2).stdout
    print(f"events            {whole:>10,}")
    print(f"bare COPY         {count / copied:>10,.0f} events/s")
    for writers, rate in rates.items():
        print(f"appended by {writers}     {rate:>10,.0f} events/s (chained, 100 a transaction)")
    print(f"sealed            {whole / sealed:>10,.0f} events/s")
    print(f"bare SQL hash     {count / hashed:>10,.0f} events/s")
    print(f"bare SHA-256      {bare_hash(text):>10,.0f} events/s")
    print(f"verified          {whole / verified:>10,.0f} events/s (chains, tree, signatures, copy)")
    print(f"proof of one      {len(proof):>10,} bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--events", type=int, default=100000)
    options = parser.parse_args()
    site = Site(options.build, name="bench-audit")
    bench = Bench(site)
    site.write_settings({"feed": 1, "receiver": 1})
    site._own()
    server = bench.role("database")
    try:
        for _ in deadline_loop(60, "the database answers"):
            if bench.sql("select 1 from audit_leaf limit 1", check=False).returncode == 0:
                break
        measure(bench, options.events)
    finally:
        server.terminate()
        server.wait(timeout=60)
        site.close()


main()
