#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whatever is changed in the audit or its seal, two verifiers that share no code find it.

usage: test_tampering.py BUILD-FOLDER [--count N] [--seed N]

A whole site makes a real history, sealed several times.  Then its database is changed by hand, N
times at random (200 in the gate, 10,000 for the figure), each time from the whole history: edits,
deletions, swaps, insertions, cut tails, emptied tables, histories written again with fresh hashes
(and signed by a stranger), an older state put back, forks that the true key sealed, checkpoints
forged or removed, and the copy outside changed.  `mhsflow audit verify` and tests/tools/verify-audit
must both say tampered, and name the first bad event where events changed.
"""
import argparse
import base64
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import shutil
import subprocess
import sys
import types

sys.dont_write_bytecode = True
from whole_site import SOURCE, Site, Tap, deadline_loop  # noqa: E402


def load_verifier():
    path = os.path.join(SOURCE, "tests/tools/verify-audit")
    loader = importlib.machinery.SourceFileLoader("verify_audit", path)
    spec = importlib.util.spec_from_loader("verify_audit", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Sql:
    """One psql for all of it: a process for each statement would take most of the time."""

    MARK = "that was all"

    def __init__(self, site):
        self.psql = subprocess.Popen(["psql", "-XqAt", "-h", site.path("state/run/database"), "-U", "mhsflow", "-d",
                                      "mhsflow"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     text=True, **site._as_user())
        self("set search_path = mhsflow; set synchronous_commit = off; set client_min_messages = warning")

    def __call__(self, statement):
        self.psql.stdin.write(f"{statement};\n\\echo {self.MARK}\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == self.MARK + "\n":
                break
            lines.append(line)
        answer = "".join(lines)
        if "ERROR:" in answer or self.psql.poll() is not None:
            raise AssertionError(answer)
        return answer

    def close(self):
        self.psql.stdin.close()
        self.psql.wait(timeout=60)


class Bench:
    """The site's database alone, with a copy of its audit to go back to."""

    def __init__(self, site):
        self.site = site
        self.verifier = load_verifier()
        self.folder = site.path("state/seal")
        self.kept = site.path("kept-seal")
        self.keys = None

    def make_history(self):
        site = self.site
        site.start_sandbox()
        site.start_daemon()
        site.wait_settled()
        for turn in range(2):  # each stop and each start seals
            site.stop_daemon()
            if turn:
                self.change_key()
            site.start_daemon()
            site.control("POST", "/reveal", {"count": 10})
            for _ in deadline_loop(60, "the changes are in"):
                if site.ready(site.caught_up):
                    break
        site.stop_daemon()

    def change_key(self):
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.site.path("keys/seal.key")], check=True,
                       **self.site._as_user())

    def role(self, name):
        return subprocess.Popen([self.site.path("bin/mhsflowd"), "--config", self.site.path("mhsflow.yaml"), "--role", name],
                                env=self.site._environment(), stdout=subprocess.DEVNULL,
                                stderr=open(self.site.log, "ab"), **self.site._as_user())

    def starts(self):
        with open(self.site.log, encoding="utf-8", errors="replace") as log:
            return sum("role_started" in line and "database" in line for line in log)

    def start_database(self):
        starts = self.starts()
        self.server = self.role("database")
        for _ in deadline_loop(60, "the database is ready"):  # it answers before: its rights are set meanwhile
            if self.starts() > starts:
                break
        self.sql = Sql(self.site)
        for table in TABLES:
            self.sql(f"alter table audit_{table} disable trigger append_only")
        self.keep("kept")
        shutil.copytree(self.folder, self.kept)
        # The same key file all the time: what openssl said of a note once need not be asked again.
        self.read_keys = self.verifier.Keys
        self.keys = self.read_keys(os.path.join(self.kept, "keys.pem"))
        self.verifier.Keys = lambda path: self.keys

    def stop(self):
        self.sql.close()
        self.server.terminate()
        self.server.wait(timeout=60)

    def rows(self, statement):
        return json.loads(self.sql(f"select coalesce(json_agg(r), '[]') from ({statement}) r"))

    def keep(self, name):
        for table in TABLES:
            self.sql(f"create table {name}_{table} as table audit_{table}")

    def restore(self, name="kept"):
        self.sql("begin; delete from audit_event; delete from audit_leaf; delete from audit_checkpoint; "
                 f"insert into audit_event overriding system value select * from {name}_event; "
                 f"insert into audit_leaf select * from {name}_leaf; "
                 f"insert into audit_checkpoint select * from {name}_checkpoint; commit")
        for file in os.listdir(self.kept):
            shutil.copyfile(os.path.join(self.kept, file), os.path.join(self.folder, file))

    def ours(self):
        done = self.site.run("mhsflow", "audit", "verify", "--json", check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else {"stderr": done.stderr}

    def theirs(self, *more):
        path = self.site.path("export.jsonl")
        done = self.site.run("mhsflow", "audit", "export", *more)
        with open(path, "w", encoding="utf-8") as file:
            file.write(done.stdout)
        verdict = self.verifier.Verdict()
        options = types.SimpleNamespace(export=path, copy=self.folder, key=None)
        self.verifier.verify_export(options, verdict)
        return verdict


TABLES = ("event", "leaf", "checkpoint")


def leaf_of(event):
    body = ('{"at":"%s","event":"%s","fields":%s,"previous":"%s","seq":%d,"writer":"%s"}' %
            (event["at"], event["event"], event["fields"], event["previous"], event["seq"], event["writer"]))
    return hashlib.sha256(b"\0" + body.encode()).hexdigest()


class Tamperings:
    """Each changes something and says which sealed event is the first bad one; None: any answer will do."""

    def __init__(self, bench, dice):
        self.bench, self.dice = bench, dice
        self.size = int(bench.sql("select count(*) from audit_leaf"))
        self.heads = [row["size"] for row in bench.rows("select size from audit_checkpoint order by number")]
        self.events = bench.rows(
            "select leaf, number, writer, seq, to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as at, event, "
            "fields::text as fields, encode(previous, 'hex') as previous from audit_leaf join audit_event using (number) "
            "order by leaf")
        self.stranger = bench.site.path("stranger.key")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.stranger], check=True)
        self.forks = [self.make_fork(number) for number in range(3)]

    def make_fork(self, number):
        """Another history from some checkpoint on, which the true key sealed; the copy outside has the first one."""
        bench, kept = self.bench, self.dice.randint(1, len(self.heads) - 1)
        bench.restore()
        size = self.set_back(kept)
        notes = open(os.path.join(bench.folder, "checkpoints"), encoding="utf-8").read().split("\n\n")
        with open(os.path.join(bench.folder, "checkpoints"), "w", encoding="utf-8") as file:
            file.write("".join(part + "\n\n" for part in notes[:2 * kept]))
        os.truncate(os.path.join(bench.folder, "leaves"), 32 * size)
        bench.site._own()
        before = "0" * 64
        for seq in range(1, self.dice.randint(2, 6)):
            event = dict(at="2026-11-23T05:00:00.000000Z", event="feed_changed", fields='{"feed":"other"}', previous=before,
                         seq=seq, writer=f"poll:{number:032x}")
            before = leaf_of(event)
            bench.sql("insert into audit_event (writer, seq, at, event, fields, previous, hash) values "
                      f"('{event['writer']}', {seq}, '{event['at']}', 'feed_changed', '{event['fields']}', "
                      f"'\\x{event['previous']}', '\\x{before}')")
        sealer = bench.role("seal")
        for _ in deadline_loop(120, "the fork is sealed"):
            if int(bench.sql("select count(*) from audit_event")) == int(bench.sql("select count(*) from audit_leaf")):
                break
        sealer.terminate()
        sealer.wait(timeout=60)
        bench.keep(f"fork{number}")
        return size

    def any_leaf(self):
        return self.dice.randrange(self.size)

    def at(self, leaf):
        return f"number = (select number from audit_leaf where leaf = {leaf})"

    def edit(self):
        leaf = self.any_leaf()
        change = self.dice.choice(["at = at + interval '1 microsecond'", "event = 'revealed'", "fields = '{\"feed\":\"x\"}'",
                                   "fields = (fields::text || ' ')::json", "hash = sha256(hash)", "seq = seq + 100000",
                                   "previous = sha256(previous)", "writer = writer || 'x'", "at = 'infinity'",
                                   # The same to the letter where the era is not shown.
                                   "at = ((at at time zone 'UTC')::text || ' BC')::timestamp at time zone 'UTC'"])
        self.bench.sql(f"update audit_event set {change} where {self.at(leaf)}")
        return leaf

    def delete(self):
        leaf, more = self.any_leaf(), self.dice.randint(1, 3)
        self.bench.sql(f"delete from audit_event where number in (select number from audit_leaf where leaf >= {leaf} "
                       f"and leaf < {leaf + more})" + self.dice.choice(["", f"; delete from audit_leaf where leaf = {leaf}"]))
        return leaf

    def swap(self):
        one, two = sorted(self.dice.sample(range(self.size), 2))
        self.bench.sql(f"update audit_leaf set leaf = -1 where leaf = {one}; update audit_leaf set leaf = {one} where "
                       f"leaf = {two}; update audit_leaf set leaf = {two} where leaf = -1")
        return one

    def insert(self):
        leaf = self.any_leaf()
        self.bench.sql(
            f"update audit_leaf set leaf = -leaf - 2 where leaf >= {leaf}; update audit_leaf set leaf = -leaf - 1 where leaf < 0; "
            "insert into audit_event (writer, seq, at, event, fields, previous, hash) select 'forged:1', 1, at, event, "
            f"fields, previous, hash from audit_event where {self.at(leaf + 1)}; insert into audit_leaf select {leaf}, number, "
            "hash from audit_event where writer = 'forged:1'")
        return leaf

    def cut(self):
        leaf = self.any_leaf()
        self.bench.sql(f"delete from audit_event where number in (select number from audit_leaf where leaf >= {leaf}); "
                       f"delete from audit_leaf where leaf >= {leaf}; delete from audit_checkpoint where size > {leaf}")
        return leaf

    def set_back(self, number):
        size = self.heads[number - 1]
        self.bench.sql(f"delete from audit_event where number not in (select number from audit_leaf where leaf < {size}); "
                       f"delete from audit_leaf where leaf >= {size}; delete from audit_checkpoint where number > {number}")
        return size

    def older_state(self):
        size = self.set_back(self.dice.randint(1, len(self.heads) - 1))
        return size if size < self.size else None

    def empty(self):
        """With nothing left of the events, or of the events and all that sealed them."""
        self.bench.sql(self.dice.choice(["truncate audit_event", "truncate audit_event, audit_leaf",
                                         "truncate audit_event, audit_leaf, audit_checkpoint"]))
        return 0

    def fork(self):
        number = self.dice.randrange(len(self.forks))
        self.bench.restore(f"fork{number}")
        return self.forks[number]

    def write_again(self):
        """One event changed, then every hash after it made anew: chains and places agree with each other."""
        leaf = self.any_leaf()
        self.hashes = {}
        changed, statements, before = dict(self.events[leaf], fields='{"feed":"other"}'), [], {}
        for event in [changed] + [one for one in sorted(self.events, key=lambda one: one["seq"])
                                  if one["writer"] == changed["writer"] and one["seq"] > changed["seq"]]:
            event = dict(event, previous=before.get("hash", event["previous"]))
            before["hash"] = self.hashes[event["leaf"]] = leaf_of(event)
            statements.append(f"update audit_event set fields = '{event['fields']}', previous = '\\x{event['previous']}', "
                              f"hash = '\\x{before['hash']}' where number = {event['number']}; update audit_leaf set hash = "
                              f"'\\x{before['hash']}' where number = {event['number']}")
        self.bench.sql("; ".join(statements))
        return leaf

    def sign_again(self):
        """Written again, and the new tree's head signed as it should be, but by a key that nobody knows."""
        leaf, edge = self.write_again(), self.bench.verifier.Edge()
        for event in self.events[:self.heads[-1]]:
            edge.add(bytes.fromhex(self.hashes.get(event["leaf"]) or leaf_of(event)))
        note = self.bench.sql("select note from audit_checkpoint order by number desc limit 1")
        name, size, _, at = note.splitlines()[:4]
        text = f"{name}\n{size}\n{base64.b64encode(edge.root()).decode()}\n{at}\n"
        path = self.bench.site.path("stranger.text")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        run = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.stranger, "-in", path]
        signature = subprocess.run(run, capture_output=True, check=True).stdout
        hint = self.dice.choice([self.bench.keys.keys[0][-32:], b"\0" * 32])  # as if it were the known key, or another
        mark = hashlib.sha256(name.encode() + b"\n\x01" + hint).digest()[:4]
        signed = f"{text}\n\u2014 {name} {base64.b64encode(mark + signature).decode()}\n"
        self.bench.sql(f"update audit_checkpoint set note = $note${signed}$note$ where number = {len(self.heads)}")
        return leaf

    def forge_checkpoint(self):
        number = self.dice.randint(1, len(self.heads))
        change = self.dice.choice(["size = size + 1", "note = replace(note, 'mhsflow', 'mhsfl0w')",
                                   "note = overlay(note placing 'AAAA' from length(note) - 20)"])
        self.bench.sql(f"update audit_checkpoint set {change} where number = {number}")

    def lose_checkpoint(self):
        self.bench.sql(f"delete from audit_checkpoint where number = {self.dice.randint(1, len(self.heads))}")

    def change_copy(self):
        path = os.path.join(self.bench.folder, self.dice.choice(["checkpoints", "leaves"]))
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            place = self.dice.randrange(len(data) - 4)
            if data[place:place + 1] == b"\n" or data[place] > 127 and path.endswith("checkpoints"):
                place = 0
            data[place] = data[place] ^ 1
            file.seek(0)
            file.write(data)

    def kinds(self):
        return [self.edit, self.delete, self.swap, self.insert, self.cut, self.empty, self.older_state, self.fork,
                self.write_again, self.sign_again, self.forge_checkpoint, self.lose_checkpoint, self.change_copy]


def check_one(bench, step, number):
    bench.restore()
    wanted = step()
    code, ours = bench.ours()
    theirs = bench.theirs()
    told = f"tampering {number} ({step.__name__}, first bad {wanted}): ours {code} {ours}, theirs {vars(theirs)}"
    assert code == 1 and ours["verdict"] == "tampered", told
    assert theirs.state == "tampered", told
    if wanted is not None:
        assert ours["first_bad"] == wanted and theirs.first_bad == wanted, told


def check_whole(bench):
    bench.restore()
    code, ours = bench.ours()
    assert code == 0 and ours["verdict"] == "intact" and ours["sealed"] > 20 and ours["checkpoints"] > 3, ours
    theirs = bench.theirs("--proofs")
    assert theirs.state == "intact", vars(theirs)


def check_proofs(bench, tamperings):
    script = os.path.join(SOURCE, "tests/tools/verify-audit")
    for leaf in (0, tamperings.size // 2, tamperings.size - 1):
        proof = bench.site.run("mhsflow", "audit", "prove", leaf).stdout
        assert len(proof) < 4096, len(proof)
        for good, text in ((True, proof), (False, proof.replace("seq", "sep", 1))):
            path = bench.site.path("proof.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([script, "--proof", path, "--key", os.path.join(bench.folder, "keys.pem")],
                                  capture_output=True, text=True, check=False)
            assert done.returncode == (0 if good else 1), done.stdout + done.stderr


def check_keys(bench):
    """Two keys sealed this history: the change is one event, and each key is wanted for what it signed."""
    names = bench.rows("select fields ->> 'from' as old, fields ->> 'to' as new from audit_event where event = 'seal_key_changed'")
    assert len(names) == 1 and names[0]["old"] != names[0]["new"], names
    path = os.path.join(bench.folder, "keys.pem")
    whole = open(path, encoding="ascii").read()
    blocks = [block + "-----END PUBLIC KEY-----\n" for block in whole.split("-----END PUBLIC KEY-----\n")[:-1]]
    assert len(blocks) == 2, whole
    for block in blocks:
        with open(path, "w", encoding="ascii") as file:
            file.write(block)
        bench.verifier.Keys = bench.read_keys
        code, ours = bench.ours()
        theirs = bench.theirs()
        bench.verifier.Keys = lambda path: bench.keys
        assert code == 1 and theirs.state == "tampered", (code, ours, vars(theirs))
    bench.restore()


def check_audit_event(one):
    """What FHIR R4 says of an AuditEvent (4.0.1): what must be there, of which shape, from which codes."""
    known = {"resourceType", "extension", "type", "subtype", "action", "recorded", "outcome", "agent", "source", "entity"}
    assert {"type", "recorded", "agent", "source"} <= one.keys() <= known, one.keys()
    for coding in [one["type"], *one["subtype"], *one["source"]["type"]]:  # bound to Coding, not to CodeableConcept
        assert coding.keys() <= {"system", "code", "display"} and coding["system"] and coding["code"], coding
    assert one["action"] in "CRUDE" and one["outcome"] in ("0", "4", "8", "12"), one
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", one["recorded"]), one["recorded"]
    assert one["agent"] and all(agent["requestor"] in (True, False) and agent["who"]["display"] for agent in one["agent"]), one
    assert sum(agent["requestor"] for agent in one["agent"]) <= 1 and one["source"]["observer"]["display"], one
    for entity in one.get("entity", []):
        assert entity["detail"] and all(detail["type"] and detail["valueString"] for detail in entity["detail"]), entity
    for extension in one["extension"]:
        assert re.match(r"[a-z]+:\S", extension["url"]) and extension["valueString"], extension


def check_formats(bench):
    bundle = json.loads(bench.site.run("mhsflow", "audit", "export", "--format", "fhir", "--proofs").stdout)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds.count("AuditEvent") > 20 and kinds.count("Binary") > 3, kinds
    for entry in bundle["entry"]:
        one = entry["resource"]
        if one["resourceType"] == "AuditEvent":
            check_audit_event(one)
    lines = bench.site.run("mhsflow", "audit", "export", "--format", "csv").stdout.splitlines()
    assert len(lines) == kinds.count("AuditEvent") + 1, len(lines)


def check_cannot_tell(bench):
    """Without its copy or its keys the audit is never called intact."""
    for name in ("keys.pem", "checkpoints"):
        bench.restore()
        os.remove(os.path.join(bench.folder, name))
        code, ours = bench.ours()
        assert code == 3 and ours["verdict"] == "cannot tell", (name, code, ours)
        assert bench.theirs().state == "cannot tell", name
    bench.restore()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tap, site = Tap(), Site(options.build, people=20, name="tampering")
    bench = Bench(site)
    try:
        if not tap.check("a sealed history is there", bench.make_history):
            return tap.end()
        bench.start_database()
        tamperings = Tamperings(bench, random.Random(options.seed))
        tap.check("both verifiers call the whole history intact", lambda: check_whole(bench))
        tap.check("two keys sealed it, and each is wanted", lambda: check_keys(bench))
        tap.check("one event is proven without the database", lambda: check_proofs(bench, tamperings))
        tap.check("FHIR and CSV hold every event", lambda: check_formats(bench))
        tap.check("without copy or keys nothing is called intact", lambda: check_cannot_tell(bench))
        kinds = tamperings.kinds()

        def tamper():
            for number in range(options.count):
                check_one(bench, kinds[number % len(kinds)], number)
                if number % 100 == 99:
                    bench.sql("vacuum audit_event, audit_leaf, audit_checkpoint")
                    print(f"# {number + 1} found", flush=True)

        tap.check(f"{options.count} tamperings of {tamperings.size} sealed events are found by both", tamper)
        bench.stop()
    finally:
        site.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
