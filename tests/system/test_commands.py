#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a person types, over a site that has done its work: queue, findings, status, check, audit.

usage: test_commands.py BUILD-FOLDER
"""
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_site import Site, deadline_loop  # noqa: E402

BUILD = sys.argv[1]


class Commands(unittest.TestCase):
    site = None

    @classmethod
    def setUpClass(cls):
        cls.site = Site(BUILD, people=40, seed=3, name="commands")
        cls.addClassCleanup(cls.site.close)
        cls.site.start_sandbox("--tail", "60")
        cls.site.start_daemon()
        cls.site.wait_settled()

    def text(self, *words, code=0):
        done = self.site.run("mhsflow", *words, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code in (0, 1) else done.stderr

    def accepted(self):
        return next(row for row in self.site.queue() if row["state"] == "accepted")

    def test_status_says_that_all_is_well(self):
        self.assertIn("All that is due has been accepted", self.text("status"))
        status = self.site.mhsflow("status")[0]
        self.assertTrue(all(status["roles"].values()), status["roles"])
        self.assertEqual(status["needs"], [])
        self.assertTrue(status["feeds"][0]["complete"])
        self.assertTrue(all(month["state"] in ("accepted", None) for month in status["months"]), status["months"])

    def test_check_finds_nothing_wrong(self):
        text = self.text("check")
        self.assertIn("certificate until", text)
        self.assertNotIn("failed", text)
        rows = self.site.mhsflow("check")
        self.assertEqual({row["result"] for row in rows} - {"ok", "note"}, set())

    def test_replay_maps_again_what_is_held(self):
        site, newest = self.site, {key: row["revision"] for key, row in self.site.newest().items()}
        everyone = site.mhsflow("feed", "replay", "sandbox", "--as", "A. Tester")[0]["people"]
        self.assertEqual(everyone, site.mhsflow("feed", "replay", "sandbox", "--type", "person", "--as", "A. Tester")[0]["people"])
        self.assertEqual(site.mhsflow("feed", "replay", "sandbox", "--person", "P0000001", "--as", "A. Tester")[0]["people"], 1)
        self.assertEqual(site.mhsflow("feed", "replay", "sandbox", "--period", "1999-01", "--as", "A. Tester")[0]["people"], 0)
        self.text("feed", "replay", "sandbox", "--period", "soon", code=2)
        site.wait_settled()
        # The same rules make the same rows: nothing new to send.
        self.assertEqual({key: row["revision"] for key, row in site.newest().items()}, newest)
        # A rehearsal: by the mapping in force no row differs, by another some do; either changes nothing.
        mapping = site.path("mappings/mhsds-6.0/standard/mapping.yaml")
        same = site.mhsflow("feed", "replay", "sandbox", "--rules", mapping, "--as", "A. Tester")[0]
        self.assertEqual((same["people"], sum(row["new"] + row["gone"] for row in same["tables"])), (everyone, 0), same)
        self.assertGreater(same["rows_made"], 0)
        other = site.path("mappings/mhsds-6.0/standard/other.yaml")
        with open(mapping, encoding="utf-8") as file, open(other, "w", encoding="utf-8") as out:
            out.write(file.read().replace("{from: duration_min, transform: whole_number}", '{value: "7"}', 1))
        done = site.run("mhsflow", "feed", "replay", "sandbox", "--rules", other, "--json", "--as", "A. Tester")
        self.assertEqual(done.returncode, 1, done.stderr)
        told = json.loads(done.stdout)
        differ = {row["table"]: row["new"] for row in told["tables"] if row["new"]}
        self.assertEqual((list(differ), told["rows_made"]), (["MHS201"], 0))
        self.assertEqual({row["new"] - row["gone"] for row in told["tables"]}, {0})
        site.wait_settled()
        self.assertEqual({key: row["revision"] for key, row in site.newest().items()}, newest)
        events = site.mhsflow("audit", "list", "--event", "feed_replayed")
        self.assertEqual(sorted(event["fields"]["code"] for event in events), ["now"] * 4 + ["rehearsed"] * 2)

    def test_doctor_finds_nothing_wrong(self):
        rows = self.site.mhsflow("doctor")
        self.assertEqual([row for row in rows if row["result"] == "failed"], [])
        looked = {row["what"] for row in rows}
        self.assertEqual(looked, {"clock", "disk", "versions", "rights", "old snapshots", "database's clock",
                                  "signing certificate", "certificates", "reachability"})
        self.assertTrue(all(row["remedy"] for row in rows if row["result"] != "ok"), rows)

    def as_owner(self, statement):
        subprocess.run(["psql", "-XqAt", "-h", self.site.path("state/run/database"), "-U", "mhsflow", "-d", "mhsflow", "-c",
                        statement], check=True, timeout=60, **self.site._as_user())

    def test_doctor_names_what_is_wrong(self):
        """A right too many, a peer that is not there, a certificate that is none: each with its remedy."""
        site = self.site
        with open(site.path("mhsflow.yaml"), encoding="utf-8") as file:
            text = file.read()
        with open(site.path("wrong.yaml"), "w", encoding="utf-8") as file:
            file.write(text.replace(f":{site.ports()['receiver']}/", ":1/").replace("sandbox/ca.pem", "sandbox/feed.token", 1))
        os.chmod(site.path("wrong.yaml"), 0o644)
        self.as_owner("grant delete on mhsflow.submission to mhsflow_map")
        try:
            done = site.run("mhsflow", "doctor", "--config", site.path("wrong.yaml"), check=False)
        finally:
            self.as_owner("revoke delete on mhsflow.submission from mhsflow_map")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        failed = [line for line in done.stdout.splitlines() if line.startswith("failed")]
        for what in ("rights", "certificates", "reachability"):
            self.assertTrue(any(what in line for line in failed), done.stdout)
        self.assertIn("do: mhsflow db upgrade", done.stdout)

    def test_show_is_the_biography(self):
        row = self.accepted()
        shown = self.site.mhsflow("queue", "show", row["id"])
        self.assertEqual(len(shown), 1)
        shown = shown[0]
        self.assertEqual((shown["state"], shown["revision"]), ("accepted", row["revision"]))
        moves = [event["to"] for event in shown["events"] if event["kind"] == "audit" and event["to"]]
        self.assertEqual(moves[-2:], ["sending", "accepted"])
        self.assertEqual(moves[0], "ready")
        text = self.text("queue", "show", row["id"])
        self.assertIn(row["reference"], text)
        self.assertNotIn("\x1b", text)
        self.text("queue", "show", "999999", code=3)

    def test_what_is_final_stays(self):
        number = self.accepted()["id"]
        for verb in (["hold", number, "--reason", "test"], ["release", number], ["cancel", number, "--reason", "test"]):
            self.assertIn("submission.state", self.text("queue", *verb, "--as", "tester", code=3))

    def test_findings_lead_to_records(self):
        groups = self.site.mhsflow("finding", "list")
        self.assertTrue(groups)
        for group in groups:
            self.assertTrue(group["rule"] and group["message"], group)
        self.assertTrue(any(group["rule"].startswith("withheld") for group in groups), [g["rule"] for g in groups])
        each = self.site.mhsflow("finding", "list", "--each", "--rule", groups[0]["rule"])
        self.assertTrue(each)
        self.assertEqual({row["rule"] for row in each}, {groups[0]["rule"]})
        self.assertIn(groups[0]["message"], self.text("finding", "list"))

    def test_the_fix_list_is_a_table(self):
        rows = list(csv.DictReader(io.StringIO(self.text("finding", "export", "--csv"))))
        self.assertTrue(rows)
        for row in rows:
            self.assertEqual(len(row), 12)
            self.assertTrue(row["rule"] and row["what"], row)
            self.assertFalse(any((value or " ")[0] in "=+-@" for value in row.values()), row)

    def test_explain_has_one_answer(self):
        row = self.accepted()
        said = self.site.mhsflow("explain", f"submission:{row['id']}")
        self.assertEqual([(one["answer"], one["reason"]) for one in said], [("sent", "sent")])
        rule = next(group["rule"] for group in self.site.mhsflow("finding", "list") if group["rule"].startswith("withheld"))
        withheld = self.site.mhsflow("finding", "list", "--each", "--rule", rule)[0]
        said = self.site.mhsflow("explain", f"person/{withheld['record_id']}", "--period", row["period"])
        self.assertEqual([(one["reason"], one["rule"]) for one in said], [("withheld", rule)])
        self.assertIn("withheld", self.text("explain", f"person/{withheld['record_id']}"))
        self.assertEqual([one["reason"] for one in self.site.mhsflow("explain", "contact/none")], ["not_received"])
        self.text("explain", "nothing", code=2)

    def test_who_sees_values_is_in_the_audit(self):
        number = self.accepted()["id"]
        place = f"submission:{number}:MHS001:1"

        def shown():
            return [(one["fields"]["code"], one["fields"]["actor"]) for one in self.site.mhsflow("audit", "list", "--event", "shown")]

        before = shown()
        self.text("trace", place)
        self.assertEqual(shown(), before)
        self.text("trace", place, "--show-values", "--as", "A. Tester")
        self.text("submission", "export", number, "--out", self.site.path("tmp-export"), "--as", "A. Tester")
        shutil.rmtree(self.site.path("tmp-export"))
        self.assertEqual(shown(), before + [("trace", "A. Tester"), ("submission_export", "A. Tester")])

    def test_lists_are_json_lines(self):
        for words in (["feed", "list"], ["queue", "list"], ["finding", "list"], ["audit", "list"]):
            self.assertTrue(all(isinstance(row, dict) for row in self.site.mhsflow(*words)), words)

    def test_z_a_person_holds_and_releases(self):
        """New records come while the receiver is away: the new revision waits, and a person steers it."""
        site = self.site
        site.control("POST", "/fault", {"target": "receiver", "path": "POST /submissions", "action": "status",
                                        "status": 503, "retry_after": "600", "times": 1000})
        try:
            site.control("POST", "/reveal", {"count": 60})
            ready = None
            for _ in deadline_loop(60, "a new revision is tried and told to come later"):
                ready = next((row for row in site.queue() if row["state"] == "ready" and row["attempts"]), None)
                if ready:
                    break
            self.text("queue", "hold", ready["id"], code=2)
            self.text("queue", "hold", ready["id"], "--reason", "look first", "--as", "A. Tester")
            self.assertIn("submission %s" % ready["id"], self.text("status", code=1))
            shown = site.mhsflow("queue", "show", ready["id"])[0]
            self.assertEqual(shown["state"], "held")
            self.assertIn("A. Tester", shown["why"])
        finally:
            site.control("DELETE", "/fault")
        # So few people are in it that a withdrawal shrinks a month by more than 2 %: those wait for a person too.
        for row in site.queue():
            if row["state"] == "held":
                self.text("queue", "release", row["id"], "--reason", "looked at", "--as", "B. Tester")
        for row in site.queue():
            if row["state"] == "ready" and row["attempts"] and row["id"] != ready["id"]:
                self.text("queue", "retry", row["id"], "--as", "B. Tester")
        site.run("mhsflow", "queue", "retry", ready["id"], "--as", "B. Tester", check=False)  # unless it is on its way
        site.wait_settled()
        actors = {event["actor"] for event in site.mhsflow("queue", "show", ready["id"])[0]["events"]}
        self.assertTrue({"A. Tester", "B. Tester"} <= actors, actors)
        site.check_delivery()
        site.verify_audit()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"], warnings="ignore")
