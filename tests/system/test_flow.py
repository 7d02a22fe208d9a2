#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job as a black box: from the sandbox's feed to its receiver, and every command on the way.

usage: test_flow.py BUILD-FOLDER SOURCE-FOLDER
"""
import csv
import io
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from flow import Flow  # noqa: E402

BUILD, SOURCE = sys.argv[1:3]
PEOPLE = 60


def made_up(flow):
    """What must never be said aloud: every id, NHS number, birth date and postcode of the caseload."""
    command = [flow.program("mhsflow-sandbox"), "generate", "--format", "ndjson", "--people", str(flow.people),
               "--seed", str(flow.seed)] + (["--today", flow.today] if flow.today else [])
    secrets = set()
    for line in subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines():
        change = json.loads(line)
        record = change.get("record") or {}
        if change["type"] == "person":
            secrets |= {change["id"], record.get("nhs_number"), record.get("postcode")}
        if change["type"] in ("referral", "contact", "consent"):
            secrets.add(change["id"])
    return {secret for secret in secrets if isinstance(secret, str) and len(secret) > 5}


class WholeFlow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.flow = Flow(BUILD, SOURCE, people=PEOPLE)
        cls.flow.__enter__()
        try:
            cls.flow.start()
            cls.flow.wait_settled()
        except BaseException:
            cls.flow.__exit__(*sys.exc_info())
            raise

    @classmethod
    def tearDownClass(cls):
        cls.flow.__exit__(None, None, None)

    def test_accepted_here_is_accepted_there(self):
        accepted = [row for row in self.flow.rows("queue", "list", "--all") if row["state"] == "accepted"]
        documents = self.flow.accepted_documents()
        self.assertGreater(len(accepted), 1)
        self.assertEqual(len(accepted), len(documents))
        self.assertEqual({row["provider"] for row in accepted}, {"V9X01", "V9X02"})

    def test_documents_are_sound_by_other_eyes(self):
        documents = self.flow.accepted_documents()
        done = self.flow.run("xmllint", "--noout", "--schema", f"{SOURCE}/mappings/mhsds-6.0/mhsds-6.0.xsd", *documents)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        for document in documents:
            done = self.flow.run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-content", document,
                                 "-in", re.sub(r"\.xml$", ".p7s", document), "-CAfile",
                                 f"{self.flow.folder}/keys/signing.crt", "-purpose", "any", "-out", os.devnull)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_nobody_without_consent_is_in_a_document(self):
        truth = self.flow.run(self.flow.program("mhsflow-sandbox"), "truth", "--people", str(PEOPLE), "--seed", "1")
        consented = {(month["provider"], month["month"]): month["people_consented"]
                     for month in json.loads(truth.stdout)["months"]}
        for row in self.flow.rows("queue", "list"):
            if row["state"] == "accepted" and (row["provider"], row["period"]) in consented:
                self.assertLessEqual(row["people"], consented[row["provider"], row["period"]], row)
                self.assertGreater(row["people"], 0)

    def test_status_says_that_all_is_well(self):
        done = self.flow.mhsflow("status")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("All that is due has been accepted", done.stdout)
        status = self.flow.status()
        self.assertTrue(all(status["roles"].values()), status["roles"])
        self.assertEqual(status["needs"], [])

    def test_check_finds_nothing_wrong(self):
        done = self.flow.mhsflow("check")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("certificate until", done.stdout)

    def test_show_is_the_biography(self):
        row = next(row for row in self.flow.rows("queue", "list") if row["state"] == "accepted")
        shown = self.flow.rows("queue", "show", str(row["id"]))[0]
        self.assertEqual((shown["state"], shown["revision"]), ("accepted", row["revision"]))
        moves = [event["to"] for event in shown["events"] if event["kind"] == "audit" and event["to"]]
        self.assertEqual(moves[0] in ("ready", "held"), True, moves)
        self.assertEqual(moves[-2:], ["sending", "accepted"])
        text = self.flow.mhsflow("queue", "show", str(row["id"])).stdout
        self.assertIn(row["reference"], text)
        self.assertNotIn("\x1b", text)
        self.assertEqual(self.flow.mhsflow("queue", "show", "999999").returncode, 3)

    def test_final_submissions_cannot_be_held(self):
        row = next(row for row in self.flow.rows("queue", "list") if row["state"] == "accepted")
        done = self.flow.mhsflow("queue", "hold", str(row["id"]), "--reason", "test", "--as", "tester")
        self.assertEqual(done.returncode, 3)
        self.assertIn("submission.state", done.stderr)

    def test_findings_lead_to_records(self):
        groups = self.flow.rows("finding", "list")
        self.assertTrue(groups)
        for group in groups:
            self.assertTrue(group["rule"] and group["message"], group)
        self.assertTrue(any(group["rule"].startswith("withheld") for group in groups), [g["rule"] for g in groups])
        each = self.flow.rows("finding", "list", "--each", "--rule", groups[0]["rule"])
        self.assertTrue(each and all(row["rule"] == groups[0]["rule"] for row in each))

    def test_the_fix_list_is_a_table(self):
        done = self.flow.mhsflow("finding", "export", "--csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertTrue(rows)
        for row in rows:
            self.assertEqual(len(row), 12)
            self.assertTrue(row["rule"] and row["what"], row)
            self.assertTrue(not any((value or " ")[0] in "=+-@" for value in row.values()), row)

    def test_the_audit_is_whole(self):
        done = self.flow.mhsflow("audit", "verify")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_lists_are_json_lines(self):
        for words in (["feed", "list"], ["queue", "list"], ["finding", "list"], ["audit", "list"]):
            self.assertTrue(all(isinstance(row, dict) for row in self.flow.rows(*words)), words)

    def test_nothing_personal_is_said_aloud(self):
        secrets = made_up(self.flow)
        self.assertGreater(len(secrets), PEOPLE)
        spoken = "".join(self.flow.words) + self.flow.mhsflow("audit", "export").stdout
        with open(f"{self.flow.folder}/sandbox.log", encoding="utf-8") as file:
            spoken += file.read()
        for folder, _, names in os.walk(f"{self.flow.folder}/state"):
            if "postgres" not in folder:
                spoken += "\n".join(names)
        said = set(re.findall(r"[A-Za-z0-9_-]+(?: [0-9][A-Z]{2})?", spoken))
        self.assertEqual(sorted(said & secrets), [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
