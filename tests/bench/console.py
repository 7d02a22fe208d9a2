#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages over a million rows, events and findings: time to the last byte, beside the bare SQL of each page's query.

usage: ./tests/bench/run console [--count N] [--rounds N]

The tables are filled by SQL: one submission of N rows, N audit events, N findings of 400 causes and
organisations, 1,000 submissions.  Bare SQL is the page's main query by psql's own clock, over the same connection
kind.  Aim: p99 under 100 ms, the role under 32 MB.
"""
import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from whole_site import Site, deadline_loop  # noqa: E402

PORT = 18400 + os.getpid() % 1500

FILL = """
insert into provider (code, generation) values ('V9X01', 1) on conflict do nothing;
insert into feed_state (feed, id_prefix, complete, state) values ('bench', 'n', true, 'ok') on conflict do nothing;
insert into row_maker (mapping_version, dataset_version) values ('bench', 'bench') on conflict do nothing;
insert into national_row (provider, table_code, table_order, feed, person, row_key, first_month, last_month, maker, gen_from,
                          digest, fragment)
select 'V9X01', 'MHS' || 100 + n % 40, n % 40, 'bench', 'P' || n / 30, lpad(n::text, 9, '0'), 24321, 24321,
       (select min(id) from row_maker), 1, decode(md5(n::text), 'hex'), '<r/>' from generate_series(1, {count}) n;
insert into submission (data_set, provider, period, revision, generation, route, legal_basis, deadline, created_at,
  document_created, document_digest, content_digest, document_size, rows, people, referrals, contacts, pack_version,
  format_version, mapping_version, program_version, spool_name, idempotency_key)
select 'mhsds-6.0', 'V9X01', 24322 - 1 - n % 12, 1 + n / 12, case when n = 0 then 1 else 0 end, 'hub', 'consent',
       now() + interval '1 day', now(), '2026-11-23T02:20:00', sha256('a'), sha256('b'), 1000, {count}, 30000, 40000, 90000,
       '1', '1', '1', '0', 's' || n, md5(n::text) from generate_series(0, 999) n;
insert into submission_queue (id, month_id, state, route, deadline, next_at)
select id, min(id) over (partition by period), 'held', 'hub', deadline, created_at from submission;
insert into audit_event (writer, seq, at, event, fields, submission, previous, hash)
select 'bench:' || lpad(to_hex(n % 8), 32, '0'), n / 8 + 1, now() - (({count} - n) || ' seconds')::interval,
       case when n % 50 = 0 then 'submission_released' when n % 7 = 0 then 'consent_decided' else 'feed_advanced' end,
       case when n % 50 = 0 then json_build_object('actor', 'p' || n % 997, 'submission', n % 1000 + 1)
            when n % 7 = 0 then json_build_object('feed', 'bench', 'subject', encode(sha256(n::text::bytea), 'hex'))
            else json_build_object('feed', 'bench', 'sequence', n) end,
       case when n % 50 = 0 then n % 1000 + 1 end, sha256('a'), sha256(n::text::bytea) from generate_series(8, {count} + 7) n;
insert into finding (source, rule, severity, provider, first_month, last_month, feed, record_type, record_id, field, person, org,
                     table_code, element, left_out, message, remedy, found_at, fingerprint)
select 'check', 'MHS' || 10000 + n % 20, 'record rejected', 'V9X01', 24321, 24321, 'bench', 'contact', 'C' || n, 'date',
       'P' || n / 30, 'O' || n % 20 + (n / 20) % 20, 'MHS201', 'CareContDate', n % 3 = 0, 'the date is wrong', 'correct it', now(),
       sha256(('f' || n)::bytea) from generate_series(1, {count}) n;
"""
ANALYZE = "analyze national_row; analyze submission; analyze submission_queue; analyze audit_event; analyze finding"


class Bench:
    def __init__(self, site):
        self.site, self.cookie = site, None

    def sql(self, *commands, check=True, timing=False):
        words = [word for command in commands for word in ("-c", command)]
        done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.site.path("state/run/database"), "-U",
                               "mhsflow", "-d", "mhsflow", "-c", "set search_path = mhsflow, public"]
                              + (["-c", "\\timing on"] if timing else []) + words, capture_output=True, text=True, check=False,
                              **self.site._as_user())
        if check and done.returncode:
            raise SystemExit(done.stderr)
        return done

    def role(self, name):
        return subprocess.Popen([self.site.path("bin/mhsflowd"), "--config", self.site.path("mhsflow.yaml"), "--role", name],
                                env=self.site._environment(), stderr=subprocess.DEVNULL, **self.site._as_user())

    def sign_in(self, role):
        token = self.site.run("mhsflow", "console", "token", role, "--role", role, "--until", "2099-01-01", "--as",
                              "bench").stdout.split()[0]
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        connection.request("POST", "/sign-in", urllib.parse.urlencode({"token": token}),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        return answer.getheader("set-cookie").split(";")[0]

    def measure(self, path, cookie, rounds):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        took, size = [], 0
        for _ in range(rounds):
            started = time.monotonic()
            connection.request("GET", path, headers={"Cookie": cookie})
            answer = connection.getresponse()
            size = len(answer.read())
            took.append((time.monotonic() - started) * 1000)
            assert answer.status == 200, (path, answer.status)
            time.sleep(0.06)  # below what one address may ask for in a minute
        took.sort()
        return statistics.median(took), took[min(len(took) - 1, int(len(took) * 0.99))], size

    def bare(self, statement, rounds=15):
        done = self.sql(*([statement] * rounds), timing=True)
        return statistics.median(float(found) for found in re.findall(r"^Time: ([\d.]+) ms", done.stdout, re.M))


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        words = [line.split() for line in file]
    private = sum(int(line[1]) for line in words if line[0] in ("Private_Clean:", "Private_Dirty:"))
    return private / 1024, next(int(line[1]) for line in words if line[0] == "Rss:") / 1024


def run(bench, options):
    started = time.monotonic()
    for statement in FILL.format(count=options.count).split(";\n"):
        if statement.strip():
            bench.sql("set jit = off", statement)
    bench.sql(ANALYZE)
    print(f"filled in {time.monotonic() - started:.0f} s: {options.count:,} rows, events and findings, 1,000 submissions")
    console = bench.role("console")
    try:
        for _ in deadline_loop(600, "all is counted ahead"):
            if bench.sql("select 1 from tally", check=False).stdout.strip() \
                    and bench.sql("select 1 from submission_tally where submission = 1 limit 1").stdout.strip():
                break
        print(f"counted ahead: findings in the background, the largest submission too, {time.monotonic() - started:.0f} s "
              "after the start")
        manager, auditor = bench.sign_in("manager"), bench.sign_in("auditor")
        subject = bench.sql("select fields ->> 'subject' from audit_event where event = 'consent_decided' "
                            "offset 70000 limit 1").stdout.strip() or "0" * 64
        newest = "select id, held_reason from submission s join submission_queue q using (id) where {} limit 50"
        pages = [
            ("/", manager, newest.format("q.state in ('held', 'rejected')")),
            ("/queue", manager, "select * from submission s join submission_queue q using (id) order by period desc, provider, "
                                "revision desc limit 51"),
            ("/submission?id=1", manager, "select * from audit_event where submission = 1 order by number"),
            ("/findings", manager, "select * from finding_tally where org is null"),
            ("/findings?rule=MHS10007", manager, "select * from finding_tally where rule = 'MHS10007'"),
            ("/findings/records?rule=MHS10007", manager, "select * from finding where gen_to is null and coalesce(cause_rule, "
             "rule) = 'MHS10007' order by coalesce(org, ''), coalesce(cause_rule, rule), id limit 50"),
            ("/findings/records?org=O11", manager, "select * from finding where gen_to is null and coalesce(org, '') = 'O11' "
             "order by coalesce(org, ''), coalesce(cause_rule, rule), id limit 50"),
            ("/feeds", manager, "select * from feed_state"),
            ("/mapping", manager, "select * from code_tally order by records desc limit 200"),
            ("/audit", auditor, "select * from audit_event order by at desc, number desc limit 50"),
            ("/audit?actor=p500", auditor, "select * from audit_event where fields ->> 'actor' = 'p500' order by at desc, "
             "number desc limit 50"),
            ("/audit?event=submission_released", auditor, "select * from audit_event where event = 'submission_released' "
             "order by at desc, number desc limit 50"),
            (f"/audit?subject={subject}", auditor, f"select * from audit_event where fields ->> 'subject' = '{subject}' order "
             "by at desc, number desc limit 50"),
            ("/audit?from=2026-11-12&to=2026-11-12", auditor, "select * from audit_event where at < now() - interval '11 days' "
             "order by at desc, number desc limit 50"),
            ("/metrics", manager, "select sum(findings) from finding_tally where org is null"),
            ("/ready", manager, None),
        ]
        print(f"{'page':<40}{'p50 ms':>9}{'p99 ms':>9}{'bare SQL':>10}{'bytes':>9}")
        for path, cookie, statement in pages:
            if path == "/ready":
                continue
            bench.measure(path, cookie, 3)
            median, worst, size = bench.measure(path, cookie, options.rounds)
            bare = f"{bench.bare(statement):.1f}" if statement else "–"
            print(f"{path.replace(subject, '…'):<40}{median:>9.1f}{worst:>9.1f}{bare:>10}{size:>9,}", flush=True)
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=600)
        connection.request("GET", "/findings.csv", headers={"Cookie": manager})
        answer, lines = connection.getresponse(), 0
        while part := answer.read(1 << 16):
            lines += part.count(b"\n")
        took = time.monotonic() - started
        print(f"the whole fix list: {lines:,} lines in {took:.1f} s, {lines / took:,.0f} lines/s")
        private, resident = memory(console.pid)
        print(f"memory of the role after all of it: {private:.1f} MB private, {resident:.1f} MB resident")
    finally:
        console.terminate()
        console.wait(timeout=60)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--count", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    site = Site(options.build, name="bench-console")
    bench = Bench(site)
    site.write_settings({"feed": 1, "receiver": 1}, f"console:\n  listen: 127.0.0.1:{PORT}")
    site._own()
    server = bench.role("database")
    try:
        for _ in deadline_loop(60, "the database answers"):
            if bench.sql("select 1 from mhsflow.tally limit 1", check=False).returncode == 0:
                break
        run(bench, options)
    finally:
        server.terminate()
        server.wait(timeout=60)
        site.close()


main()
