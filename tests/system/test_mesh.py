#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The route over MESH against a small MESH of our own: chunks, lost answers, reports, business answers.

usage: test_mesh.py BUILD-FOLDER
"""
import glob
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from mesh_peer import Mesh  # noqa: E402
from whole_site import Site, Tap, deadline_loop  # noqa: E402

OURS, THEIRS = "X26ABC1", "X26ABC2"


class MeshSite(Site):
    mesh = None

    def write_settings(self, ports, lines=""):
        super().write_settings(ports, lines)
        if not self.mesh:
            self.mesh = Mesh(self.path("keys"), {OURS: "secret-password", THEIRS: "other"}, "TestKey")
            for name, text in (("password", "secret-password"), ("shared", "TestKey")):
                with open(self.path("keys", name), "w", encoding="utf-8") as out:
                    out.write(text + "\n")
        with open(self.path("mhsflow.yaml"), encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"routes:\n.*?(?=signing:)", f"""routes:
  - name: hub
    adapter: mesh
    url: https://localhost:{self.mesh.port}
    ca: {self.mesh.ca}
    mailbox: x26abc1
    password: {self.path('keys/password')}
    shared_key: {self.path('keys/shared')}
    to: {THEIRS}
    workflow_id: SITE MHSDS
    state: {self.path('state/mesh')}
    inbox_interval: 1s
""", text, flags=re.S)
        with open(self.path("mhsflow.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def sent(self):
        with self.mesh.lock:
            return [m for m in self.mesh.messages.values() if m["from"] == OURS]

    def answer(self, message, body):
        self.mesh.put(OURS, message["local"], "SITE MHSDS_ACK", json.dumps(body).encode(), linked=message["id"])

    def state(self, number):
        return [one["state"] for one in self.queue() if one["id"] == number][0]


def complete(site, count):
    for _ in deadline_loop(120, f"{count} messages lie with the recipient"):
        if site.daemon.poll() is not None:
            raise AssertionError("mhsflowd ended\n" + site.tail())
        if len(site.mesh.inbox(THEIRS)) >= count and site.ready(site.caught_up):
            moving = [o for o in site.queue() if o["state"] in ("ready", "sending", "unsure")]
            if not moving:
                return


def first_answers_lost(site):
    """The answers to two first chunks are lost, and MESH is busy: each submission is one message all the same."""
    complete(site, 3)
    assert all(left == 0 for _, left in site.mesh.faults), site.mesh.faults
    local = [message["local"] for message in site.sent()]
    assert len(local) == len(set(local)), "a message was sent twice"
    waiting = [one for one in site.queue() if one["state"] == "waiting"]
    assert len(waiting) == len(local), (len(waiting), len(local))
    for message in site.sent():
        whole = site.mesh.whole(message["id"])
        assert whole.startswith(b"<?xml") and message["headers"]["mex-content-checksum"] == "sha256:" + hashlib.sha256(whole).hexdigest()
        assert message["workflow"] == "SITE MHSDS" and message["headers"]["content-encoding"] == "gzip"
    assert not site.mesh.refused, site.mesh.refused


def answers(site):
    by_id = {message["id"]: message for message in site.sent()}
    waiting = [one for one in site.queue() if one["state"] == "waiting"]
    yes, no, late = waiting[:3]
    site.mesh.put(OURS, None, "SOMEBODY_ELSES", b"not ours")
    for one, body in ((yes, {"status": "accepted", "reference": "R-77"}),
                      (no, {"status": "rejected", "reference": "R-78", "findings": [{"rule": "MHS00103", "table": "MHS001", "row": 1}]})):
        site.answer(by_id[one["reference"]], body)
    site.mesh.put(OURS, None, "SITE MHSDS", kind="REPORT", linked=late["reference"], code="14")
    for one in waiting[:3]:
        site.run("mhsflow", "queue", "retry", one["id"], "--as", "Tester", check=False)
    for _ in deadline_loop(60, "answers are taken from the inbox"):
        if [site.state(one["id"]) for one in (yes, no, late)] == ["accepted", "rejected", "rejected"]:
            break
    left = [site.mesh.messages[number]["workflow"] for number in site.mesh.inbox(OURS)]
    assert left == ["SOMEBODY_ELSES"], left
    found = site.mhsflow("finding", "list", "--each", "--submission", no["id"], "--source", "receiver")
    assert [one["rule"] for one in found] == ["MHS00103"] and found[0]["person"], found
    codes = [event for event in site.mhsflow("audit", "list") if event.get("event") == "submission_rejected"]
    assert "undelivered" in json.dumps(codes), codes


def nothing_secret(site):
    heard = site.tail(100000) + site.run("mhsflow", "audit", "export", check=False).stdout
    heard += "\n".join(glob.glob(site.path("state/mesh/*")))
    assert "secret-password" not in heard and "TestKey" not in heard
    for name in glob.glob(site.path("state/mesh/*")):
        assert not os.stat(name).st_mode & 0o077, name


def main():
    site, tap = MeshSite(sys.argv[1], people=30, seed=6, name="mesh"), Tap()
    try:
        site.start_sandbox("--tail", "50")
        site.mesh.faults += [["lose_first", 2], ["busy", 3]]
        site.start_daemon()
        fine = tap.check("an answer lost to a first chunk is asked about, never sent again", lambda: first_answers_lost(site))
        if fine:
            tap.check("business answers and reports settle what they are about", lambda: answers(site))
        tap.check("no secret and no open file is left about", lambda: nothing_secret(site))
        tap.check("the audit is whole", site.verify_audit)
    finally:
        site.close()
        if site.mesh:
            site.mesh.stop()
    return tap.end()


sys.exit(main())
