#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The seven promises as properties: whatever a seed makes happen to a site, afterwards each still holds.

usage: test_promises.py BUILD-FOLDER [--seeds N] [--first SEED] [--acts N] [--only-seeds]

Per seed: a made-up caseload, a random mix of misbehaving peers, kills, meddling
people and jumping clocks (chaos.py), then calm, and the look at what is left: at
the database through its views, at the receiver's own journal and documents, and at
a third opinion of what is true (oracle.py).
"""
import argparse
import collections
import datetime
import glob
import hashlib
import hmac
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
import zoneinfo

sys.path.insert(0, os.path.dirname(__file__))
import hardship  # noqa: E402
from chaos import Chaos  # noqa: E402
from oracle import Oracle  # noqa: E402
from whole_site import SOURCE, Site, Tap, deadline_loop  # noqa: E402

LIED = "R-00000000"  # what the receiver says when it keeps nothing


def moves():
    """(from, event, to) of every move that may be."""
    with open(os.path.join(SOURCE, "daemon/store/states.def"), encoding="utf-8") as file:
        return {(a.lower(), event, b.lower()) for a, b, event
                in re.findall(r'^MOVE\((\w+), "[^"]*", (\w+), "(\w+)"', file.read(), re.MULTILINE)}


class Case:
    """One seed: its site, what happened to it, and what must hold afterwards."""

    def __init__(self, build, seed, acts):
        chance = random.Random(f"case {seed}")
        self.seed = seed
        today = datetime.date(2026, 5, 4) + datetime.timedelta(days=chance.randrange(300))
        self.site = Site(build, people=chance.randint(20, 80), seed=seed, today=today.isoformat(), name=f"seed{seed}")
        self.profile = chance.choice(("typical", "typical", "dirty"))
        self.tail = chance.randint(60, 300)
        self.site.sandbox_options = ("--tail", str(self.tail), "--profile", self.profile)
        self.chaos = Chaos(self.site, seed, acts)

    def play(self):
        site, began = self.site, time.monotonic()
        site.start_sandbox(*site.sandbox_options)
        site.start_daemon()
        for _ in deadline_loop(60, "the feed is asked"):
            if site.control("GET", "/state")["requests_seen"]["feed"]:
                break
        self.chaos.play()
        self.chaos.calm()
        self.chaos.wait(150)
        self.read()
        passed = collections.Counter(one["event"].removeprefix("submission_") for one in self.events if one["submission"])
        print(f"# seed {self.seed}: {site.people} people, {self.profile}, {site.today}, "
              f"{time.monotonic() - began:.0f} s; {', '.join(self.chaos.done)}; "
              f"{', '.join(f'{count} {event}' for event, count in sorted(passed.items()))}", flush=True)

    # ---- what is left ----

    def sql(self, text):
        done = subprocess.run(["psql", "-qXAt", "-h", self.site.path("state/run/database"), "-U", "mhsflow", "mhsflow", "-c",
                               f"select coalesce(json_agg(t), '[]') from ({text}) t"], capture_output=True, text=True,
                              check=True, **self.site._as_user())
        return json.loads(done.stdout)

    def read(self):
        site = self.site
        done = site.run("mhsflow-sandbox", "generate", "--people", site.people, "--seed", site.seed, "--today", site.today,
                        "--profile", self.profile, "--format", "ndjson")
        now = datetime.datetime.fromtimestamp(time.time() + site.ahead, zoneinfo.ZoneInfo("Europe/London"))
        self.truth = Oracle([json.loads(line) for line in done.stdout.splitlines()], now.date())
        self.submissions = {one["id"]: one for one in self.sql(
            "select s.id, provider, to_char(date '0001-01-01', 'YYYY') as _, revision, idempotency_key as key, state,"
            " reference, left_out, encode(document_digest, 'hex') as digest from mhsflow.submission s"
            " join mhsflow.submission_queue q using (id) order by id")}
        for one in site.mhsflow("queue", "list", "--all"):
            self.submissions[one["id"]]["period"] = one["period"]
        self.events = self.sql("select number, at, event, submission, fields from mhsflow.audit_event order by number")
        self.journal = site.control("GET", "/state")["receiver"]["submissions"]
        self.documents = {}
        for one in self.submissions.values():
            path = site.path("sandbox/accepted", f"{one['provider']}-{one['period']}-r{one['revision']}.xml")
            if os.path.exists(path):
                self.documents[one["id"]] = path
        assert self.documents, "the receiver has no document"

    def people_in(self, number):
        with open(self.documents[number], encoding="utf-8") as file:
            return {name[1:] for name in re.findall(r"<LocalPatientID>([^<]*)<", file.read())}

    # ---- the promises ----

    def nothing_lost(self):
        """1: what is stored is what the feed has: every record, its newest version, nothing else."""
        views = [one["viewname"] for one in self.sql(
            "select viewname from pg_views where schemaname = 'mhsflow' and viewname like 'source\\_%'")]
        held = {}
        for one in self.sql(" union all ".join(f"select '{view[len('source_'):]}' as type, id, version, deleted from"
                                               f" mhsflow.{view}" for view in views)):
            held[(one["type"], one["id"])] = (one["version"], one["deleted"])
        due = self.truth.versions()
        gone = set(self.truth.merged)
        lost = [key for key in due if key not in held and not due[key][1] and key[1] not in gone]
        phantom = [key for key in held if key not in due]
        wrong = [(key, held[key], due[key]) for key in due if key in held and key[1] not in gone
                 and (held[key][1] != due[key][1] or (held[key][0] != due[key][0] and not due[key][1]))]
        assert not lost and not phantom and not wrong, \
            f"lost {len(lost)} {lost[:3]}, phantom {len(phantom)} {phantom[:3]}, wrong {len(wrong)} {wrong[:3]}"

    def nothing_twice(self):
        """2: the receiver has what the queue calls accepted, each once, by an intent, and in order."""
        ours = {one["key"] for one in self.submissions.values() if one["state"] == "accepted"}
        lied = {one["key"] for one in self.submissions.values() if one["reference"] == LIED}
        theirs = [one["key"] for one in self.journal if one["status"] == "accepted"]
        assert len(theirs) == len(set(theirs)), "a key was accepted twice"
        assert ours - lied == set(theirs) - lied, f"queue only {ours - lied - set(theirs)}, receiver only {set(theirs) - ours}"
        newest = collections.defaultdict(int)
        for one in self.journal:
            if one["status"] == "accepted":
                month = (one["provider"], one["period"])
                assert one["revision"] > newest[month], f"{month}: revision {one['revision']} after {newest[month]}"
                newest[month] = one["revision"]
        intents = [one for one in self.events if one["event"] == "submission_intent"]
        posts = self.chaos.posts + self.chaos.count_posts()
        assert 0 < posts <= len(intents), f"{posts} documents sent, {len(intents)} intents"
        sent = self.sql("select submission, count(*) as n from mhsflow.attempt where kind = 'sent' group by 1")
        assert {one["submission"]: one["n"] for one in sent} == collections.Counter(
            one["submission"] for one in intents), "attempts differ from the intents in the audit"

    def nothing_without_basis(self):
        """3: who withdrew is in nothing that left afterwards; the last document of a month holds just who may flow."""
        key = bytes.fromhex(self.sql("select encode(value, 'hex') as v from mhsflow.secret where name = 'subject'")[0]["v"])
        no = {}
        for person in self.truth.never_again():
            subject = hmac.new(key, f"sandbox\nperson\n{person}".encode(), hashlib.sha256).hexdigest()
            said = [one for one in self.events if one["event"] == "consent_decided"
                    and one["fields"].get("subject") == subject and one["fields"].get("purpose") == "mhsds"]
            refused = [one for one in said if one["fields"].get("decision") != "given"]
            if refused:
                no[person] = refused[-1]["number"]
        self.checked_refusals = len(no)
        for number, path in self.documents.items():
            claims = [one["number"] for one in self.events if one["submission"] == number and one["event"] == "submission_claimed"]
            late = {person for person, since in no.items() if since < claims[-1]} & self.people_in(number)
            assert not late, f"{os.path.basename(path)} holds {len(late)} who had withdrawn: {sorted(late)[:3]}"
        self.last_documents()

    def last_documents(self):
        newest = {}
        for one in self.submissions.values():
            newest[(one["provider"], one["period"])] = one
        found = self.site.mhsflow("finding", "list", "--each")
        for (provider, period), one in newest.items():
            if one["id"] not in self.documents:
                assert one["state"] == "rejected" or one["reference"] == LIED, one
                continue
            inside, due = self.people_in(one["id"]), self.truth.expected(provider, period)
            named = {self.truth.survivor(finding["person"]) for finding in found if finding.get("person")
                     and (finding["left_out"] or finding["source"] in ("gate", "work", "mapping"))}
            assert not inside - self.truth.consented(), f"{provider} {period}: without consent {inside - self.truth.consented()}"
            assert not inside - due, f"{provider} {period}: not of this month {sorted(inside - due)[:5]}"
            missing = due - inside - named
            assert not missing, f"{provider} {period} r{one['revision']}: nobody says why {sorted(missing)[:5]} are missing"

    def no_surprise(self):
        """4: no accepted document breaks a national rule; what was left out leads to a record that is there."""
        for number, path in self.documents.items():
            one = self.submissions[number]
            done = self.site.run("mhsflow", "validate", path, "--period", one["period"], "--provider", one["provider"],
                                 "--dataset", self.site.path("mappings/mhsds-6.0"))
            assert done.returncode == 0 and " 0 would be rejected" in done.stdout, \
                f"{os.path.basename(path)}: {done.stdout[-1500:]}{done.stderr}"
        rows = self.sql("select s.id, r.table_code, r.row_key, count(f.id) as findings, count(f.record_id) as led,"
                        " count(x.id) as there from mhsflow.left_out l join mhsflow.submission s on s.id = l.submission"
                        " join mhsflow.national_row r on r.id = l.row_id left join mhsflow.finding f on f.left_out"
                        " and (f.submission = s.id or f.submission is null) and f.table_code = r.table_code"
                        " and f.row_key = r.row_key"
                        " left join mhsflow.source_record x on x.feed = f.feed and x.type = f.record_type"
                        " and x.id = f.record_id group by 1, 2, 3")
        bad = [one for one in rows if not one["findings"] or not one["led"] or not one["there"]]
        self.left_out = len(rows)
        assert not bad, f"{len(bad)} of {len(rows)} rows left out lead nowhere: {bad[:3]}"
        led = self.sql("select f.rule, f.record_type from mhsflow.finding f where f.left_out and f.gen_to is null and not"
                       " exists (select from mhsflow.source_record x where x.feed = f.feed and x.type = f.record_type"
                       " and x.id = f.record_id)")
        assert not led, f"{len(led)} findings of what was left out lead to no record: {led[:3]}"

    def made_again(self):
        """5: with the spool gone, what was sent comes again, byte for byte, and its signature holds."""
        shutil.rmtree(self.site.path("state/spool"), ignore_errors=True)
        for number, path in self.documents.items():
            told = self.site.mhsflow("submission", "export", number, "--out", self.site.path("state", f"again-{number}"))[0]
            with open(told["document"], "rb") as ours, open(path, "rb") as theirs:
                assert ours.read() == theirs.read(), f"{os.path.basename(path)} is not what was sent"
            done = subprocess.run(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", told["signature"],
                                   "-content", path, "-CAfile", self.site.path("keys/signing.crt"), "-purpose", "any",
                                   "-out", "/dev/null"], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr[-500:]

    def every_change_told(self):
        """6: each submission's events are a path through the states, from its beginning to where it is."""
        allowed = moves()
        place = {}
        for one in self.events:
            fields, number = one["fields"], one["submission"]
            if one["event"] == "submission_built":
                assert number not in place and fields["to"] in ("ready", "held"), one
                place[number] = fields["to"]
            elif "to" in fields and number:
                assert place[number] == fields["from"], f"submission {number} was {place[number]}: {one}"
                assert (fields["from"], one["event"], fields["to"]) in allowed, f"no such move: {one}"
                place[number] = fields["to"]
        assert place == {number: one["state"] for number, one in self.submissions.items()}, "the audit ends elsewhere"
        pages = [one["fields"]["sequence"] for one in self.events if one["event"] == "feed_advanced"]
        assert pages and pages[-1] == self.site.mhsflow("feed", "list")[0]["sequence"], "the cursor has no event"
        self.site.verify_audit()

    def nothing_personal(self):
        """7: no value or id of the caseload in what anybody can read over a shoulder."""
        heard = {"audit": self.site.run("mhsflow", "audit", "export", check=False).stdout,
                 "command lines and environments": "\n".join(self.chaos.overheard),
                 "file names": "\n".join(os.path.join(at, name) for at, folders, files in os.walk(self.site.path("state"))
                                         for name in folders + files)}
        for name in ("daemon.log", "sandbox.log"):
            with open(self.site.path(name), encoding="utf-8", errors="replace") as file:
                heard[name] = file.read()
        secrets = self.truth.secrets()
        assert len(secrets) > 5 * self.site.people and len(self.chaos.overheard) > 3, "too little to look for, or at"
        for where, text in heard.items():
            words = set(re.findall(r"[A-Za-z0-9-]+(?: [0-9][A-Z]{2})?", text))
            found = {one for one in secrets if one in words or "s" + one in words}
            assert not found, f"{len(found)} of the made-up values in {where}: {sorted(found)[:3]}"


PROMISES = (("1 nothing lost, nothing phantom", Case.nothing_lost), ("2 nothing twice", Case.nothing_twice),
            ("3 nothing without its basis", Case.nothing_without_basis), ("4 nothing refused by surprise", Case.no_surprise),
            ("5 made again byte for byte", Case.made_again), ("6 every change told once", Case.every_change_told),
            ("7 nothing personal", Case.nothing_personal))


def one_seed(tap, build, seed, acts):
    case = Case(build, seed, acts)
    failed = tap.failed
    try:
        if tap.check(f"seed {seed}: settles after everything", case.play):
            for name, look in PROMISES:
                tap.check(f"seed {seed}: {name}", lambda promise=look: promise(case))
    finally:
        if tap.failed > failed:
            print(f"# seed {seed} failed: {case.chaos.done}", flush=True)
        case.site.close(keep=tap.failed > failed and bool(os.environ.get("KEEP_FAILED")))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--acts", type=int, default=12)
    options.add_argument("--only-seeds", action="store_true", help="without the situations of their own")
    options = options.parse_args()
    tap = Tap()
    for seed in range(options.first, options.first + options.seeds):
        one_seed(tap, options.build, seed, options.acts)
    if not options.only_seeds:
        hardship.check_all(tap, options.build)
    print(f"# seeds {options.first} to {options.first + options.seeds - 1}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
