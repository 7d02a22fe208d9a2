#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole flow, and what may happen to it: outages, kills, withdrawals; seen by other programs' eyes.

usage: test_outages.py BUILD-FOLDER [--kills N] [--seed N]
"""
import argparse
import csv
import glob
import json
import os
import random
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
from whole_site import Site, Tap, deadline_loop  # noqa: E402

ROLES = ("poll", "map", "build", "submit", "sign")


def independent_eyes(site):
    """xmllint and openssl accept what the receiver got."""
    documents = sorted(glob.glob(site.path("sandbox/accepted/*.xml")))
    assert documents, "the receiver has no document"
    xsd = site.path("mappings/mhsds-6.0/mhsds-6.0.xsd")
    for document in documents:
        done = subprocess.run(["xmllint", "--noout", "--schema", xsd, document], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        signature = document[:-4] + ".p7s"
        done = subprocess.run(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-content",
                               document, "-CAfile", site.path("keys/signing.crt"), "-purpose", "any", "-out", "/dev/null"],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


def hand_over(site):
    """The tables for the portal's template are complete, and what validate takes back."""
    for one in site.queue()[:2]:
        folder = site.path("state", f"tables-{one['id']}")
        told = site.mhsflow("submission", "export", one["id"], "--format", "idb-csv", "--out", folder)[0]
        with open(os.path.join(folder, "manifest.csv"), encoding="utf-8", newline="") as file:
            listed = list(csv.DictReader(file))
        assert len(listed) == 61 and sum(int(row["rows"]) for row in listed) == told["rows"], (len(listed), told)
        done = site.run("mhsflow", "validate", folder, "--period", one["period"], "--provider", one["provider"],
                        "--dataset", site.path("mappings/mhsds-6.0"))
        assert done.returncode == 0 and " 0 would be rejected" in done.stdout, done.stdout[-2000:] + done.stderr


def nothing_personal(site):
    site.canaries.ask_audit()
    assert site.canaries.audit.strip() and len(site.canaries.overheard) > 8, "too little was heard"
    site.canaries.look()


def receiver_away(site):
    site.control("POST", "/reveal", {"count": 5})
    site.stop_sandbox(signal.SIGKILL)
    for _ in deadline_loop(30, "the daemon says that the feed is away"):
        if "feed_late" in site.tail(200):
            break
    site.start_sandbox("--tail", "200")
    site.wait_settled(120)
    site.check_delivery()


def database_killed(site):
    site.control("POST", "/reveal", {"count": 5})
    with open(site.path("state/postgres/data/postmaster.pid"), encoding="utf-8") as file:
        os.kill(int(file.readline()), signal.SIGKILL)
    for _ in deadline_loop(60, "the daemon says that the database is away"):
        if "database_lost" in site.tail(200):
            break
    site.wait_settled(120)
    site.check_delivery()


def random_kills(site, count, seed):
    chance = random.Random(seed)
    killed = 0
    for _ in range(count):
        site.control("POST", "/reveal", {"count": 1})
        role = chance.choice(ROLES)
        for _ in deadline_loop(30, f"role {role} lives"):
            if site.kill_role(role):
                killed += 1
                break
    site.wait_settled(240)
    site.check_delivery()
    print(f"# {killed} kills, seed {seed}")


def answers_lost(site):
    site.control("POST", "/fault", {"target": "receiver", "path": "POST /submissions", "action": "lose_answer", "times": 3})
    site.control("POST", "/reveal", {"count": 20})
    site.wait_settled(180)
    site.control("DELETE", "/fault")
    site.check_delivery()


def receiver_says_later(site):
    for status in (503, 429):
        site.control("POST", "/fault", {"target": "receiver", "path": "POST /submissions", "action": "status",
                                        "status": status, "retry_after": "1", "times": 2})
    site.control("POST", "/reveal", {"count": 20})
    site.wait_settled(180)
    site.control("DELETE", "/fault")
    site.check_delivery()


def withdrawn_never_arrives(build):
    """A month waits for approval; somebody in it withdraws; what is then released is without them."""
    site = Site(build, people=60, seed=7, provider_lines="    release: approve\n", name="withdrawal")
    try:
        site.start_sandbox("--tail", "400")
        site.start_daemon()
        for _ in deadline_loop(120, "months are held for approval"):
            if site.ready(lambda: site.caught_up() and site.newest()):
                break
        site.control("POST", "/reveal", {"count": 100000})
        withdrawn = set()
        done = site.run("mhsflow-sandbox", "generate", "--people", site.people, "--seed", site.seed, "--format", "ndjson")
        for line in done.stdout.splitlines():
            change = json.loads(line)
            record = change.get("record") or {}
            if change.get("type") == "consent" and record.get("purpose") == "mhsds":
                (withdrawn.add if record.get("status") != "given" else withdrawn.discard)("s" + record["person"])
        assert withdrawn, "nobody withdraws in this caseload"
        for _ in deadline_loop(120, "the daemon has taken the withdrawals in"):
            if site.ready(site.caught_up):
                break
        assert all(one["state"] == "held" for one in site.newest().values()), site.queue()
        first = {(one["provider"], one["period"]): one["id"] for one in site.mhsflow("queue", "list", "--all") if one["revision"] == 1}
        differences = [table for month, one in site.newest().items() if one["revision"] > 1
                       for table in site.mhsflow("queue", "diff", first[month], one["id"])]
        assert any(table["table"] == "MHS001" and table["removed"] for table in differences), differences
        for one in site.newest().values():
            if one["state"] == "held":
                site.run("mhsflow", "queue", "release", one["id"], "--as", "tester", "--reason", "approved by the test")
        site.wait_settled(120)
        for document in glob.glob(site.path("sandbox/accepted/*.xml")):
            with open(document, encoding="utf-8") as file:
                found = withdrawn & set(re.findall(r"<LocalPatientID>([^<]*)<", file.read()))
            assert not found, f"{len(found)} people without consent in {os.path.basename(document)}"
        site.verify_audit()
    finally:
        site.close()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--kills", type=int, default=8)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    tap = Tap()
    site = Site(options.build, people=60, name="outages")
    try:
        def whole_flow():
            site.start_sandbox("--tail", "200")
            site.start_daemon()
            site.wait_settled(180)
            site.check_delivery()
        if tap.check("from an empty folder to every due month accepted", whole_flow):
            tap.check("xmllint and openssl accept what the receiver got", lambda: independent_eyes(site))
            tap.check("the tables for the portal's template are what validate takes back", lambda: hand_over(site))
            tap.check("answers lost after acceptance: asked about, nothing doubled", lambda: answers_lost(site))
            tap.check("503 and 429 with Retry-After: everything arrives, once", lambda: receiver_says_later(site))
            tap.check("feed and receiver killed in the middle: everything arrives, once", lambda: receiver_away(site))
            tap.check("PostgreSQL killed in the middle: everything arrives, once", lambda: database_killed(site))
            tap.check(f"{options.kills} random kills of roles: everything arrives, once",
                      lambda: random_kills(site, options.kills, options.seed))
            tap.check("the audit is whole", site.verify_audit)
            tap.check("nothing personal in journal, audit, file names, processes", lambda: nothing_personal(site))
            tap.check("documents are still accepted by other programs", lambda: independent_eyes(site))
    finally:
        site.close()
    tap.check("consent withdrawn while a month is held: the rows never arrive",
              lambda: withdrawn_never_arrives(options.build))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
