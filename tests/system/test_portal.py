#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The route through a person's hands: hand-over, receipt, and the portal's Summary Reports.

usage: test_portal.py BUILD-FOLDER
"""
import csv
import glob
import io
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_site import Site, Tap, deadline_loop  # noqa: E402

HEAD = ["REPORT_TYPE", "DESCRIPTION", "CODE", "NUMERATOR", "DENOMINATOR"] + [
    name for number in range(1, 11) for name in (f"DATA_ITEM{number}", f"DATA_VALUE{number}")]
SPACE = "{urn:mhsflow:mhsds:6.0}"


class PortalSite(Site):
    def write_settings(self, ports, lines=""):
        super().write_settings(ports, lines)
        os.makedirs(self.path("handover"), mode=0o700, exist_ok=True)
        with open(self.path("mhsflow.yaml"), encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"routes:\n.*?(?=signing:)",
                      f"routes:\n  - name: hub\n    adapter: portal\n    folder: {self.path('handover')}\n", text, flags=re.S)
        with open(self.path("mhsflow.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def handed(self, one):
        found = glob.glob(self.path(f"handover/mhsds-6.0_{one['provider']}_{one['period']}_r{one['revision']}_*"))
        assert len(found) == 1, found
        return found[0]

    def state(self, number):
        return [one["state"] for one in self.queue() if one["id"] == number][0]

    def write_reports(self, name, validations=(), quality=(), aggregation=()):
        path = self.path(name)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            for file, kind, lines in (("aggregation.csv", "Aggregation", aggregation),
                                      ("data_quality.csv", "Data Quality Issues", quality),
                                      ("diagnostics.csv", "Diagnostic", ()),
                                      ("validations.csv", "Validation Failures", validations)):
                text = io.StringIO()
                writer = csv.writer(text, lineterminator="\r\n")
                writer.writerow(HEAD)
                for code, numerator, items in lines:
                    flat = [cell for item in items for cell in item]
                    writer.writerow([kind, "words of the portal", code, numerator, ""] + flat + [""] * (20 - len(flat)))
                out.writestr("Summary Reports/" + file, text.getvalue())
        self._own()
        return path


def waiting(site, count):
    for _ in deadline_loop(120, f"{count} submissions are handed over"):
        if site.daemon.poll() is not None:
            raise AssertionError("mhsflowd ended\n" + site.tail())
        try:
            queue = site.queue()
        except (AssertionError, ValueError, KeyError):
            continue
        found = [one for one in queue if one["state"] == "waiting"]
        moving = [one for one in queue if one["state"] in ("ready", "sending", "unsure")]
        if len(found) >= count and not moving and site.ready(site.caught_up):
            return found


def hand_over(site):
    for one in waiting(site, 3):
        folder = site.handed(one)
        done = subprocess.run(["sha256sum", "-c", "--quiet", "manifest.sha256"], cwd=folder, check=False,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        files = set(os.listdir(folder))
        stem = f"mhsds-6.0_{one['provider']}_{one['period']}_r{one['revision']}"
        assert files == {"CHECKLIST.txt", "manifest.sha256", "tables", stem + ".xml", stem + ".p7s"}, files
        verified = subprocess.run(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", f"{folder}/{stem}.p7s",
                                   "-content", f"{folder}/{stem}.xml", "-CAfile", site.path("keys/signing.crt"), "-purpose",
                                   "any", "-out", "/dev/null"], capture_output=True, text=True, check=False)
        assert verified.returncode == 0, verified.stderr
        rows = len(ET.parse(f"{folder}/{stem}.xml").getroot())
        in_tables = 0
        for name in glob.glob(f"{folder}/tables/MHS*.csv"):
            with open(name, encoding="utf-8", newline="") as file:
                in_tables += sum(1 for _ in csv.reader(file)) - 1
        assert rows == in_tables == one["rows"], (rows, in_tables, one["rows"])
        with open(f"{folder}/CHECKLIST.txt", encoding="utf-8") as file:
            assert f"mhsflow submission receipt {one['id']} " in file.read()
        for at, folders, names in os.walk(folder):
            assert not any(os.stat(os.path.join(at, name)).st_mode & 0o077 for name in folders + names)
    leftovers = [name for name in glob.glob(site.path("state/spool/*")) if name.endswith(".tables")]
    assert not leftovers, leftovers


def receipt(site):
    one = waiting(site, 3)[0]
    refused = site.run("mhsflow", "submission", "receipt", one["id"], "--reference", "two words", check=False)
    assert refused.returncode == 2, refused
    site.mhsflow("submission", "receipt", one["id"], "--reference", "SDCS-1", "--as", "Data Manager")
    assert site.state(one["id"]) == "waiting"
    site.mhsflow("submission", "receipt", one["id"], "--reference", "SDCS-1", "--accepted", "--as", "Data Manager")
    assert site.state(one["id"]) == "accepted"
    # Said again it is still so; the contrary is refused.
    site.mhsflow("submission", "receipt", one["id"], "--reference", "SDCS-1", "--accepted", "--as", "Data Manager")
    contrary = site.run("mhsflow", "submission", "receipt", one["id"], "--reference", "SDCS-1", "--rejected", "--as", "X",
                        check=False)
    assert contrary.returncode == 3 and "it is accepted" in contrary.stderr, contrary
    events = [event for event in site.mhsflow("audit", "list") if event.get("event", "").startswith("submission_")]
    named = [event["event"] for event in events if "Data Manager" in str(event)]
    assert named.count("submission_accepted") == 1 and named.count("submission_receipt") == 2, named


def reports(site):
    one, other = waiting(site, 2)[:2]
    document = glob.glob(site.handed(one) + "/*.xml")[0]
    root = ET.parse(document).getroot()
    referral = root.find(f"{SPACE}MHS101Referral")
    contact = root.find(f"{SPACE}MHS201CareContact")
    value = {child.tag.replace(SPACE, ""): child.text for child in contact}
    referred = {child.tag.replace(SPACE, ""): child.text for child in referral}
    count = len(root.findall(f"{SPACE}MHS101Referral"))
    before = {(o["rule"]) for o in site.mhsflow("finding", "list", "--provider", one["provider"], "--period", one["period"])}
    rule = "MHS20106"
    assert rule not in before, "choose a rule of which nothing is found"
    path = site.write_reports(
        "reports.zip",
        validations=[(rule, "", [("[M201903]CareContactID", value["CareContactID"]),
                                 ("[M201010]CareContDate", value["CareContDate"])])],
        quality=[("MHS99999", "", [("[M101902]ServiceRequestID", referred["ServiceRequestID"])]),
                 ("MHS99998", "", [("[M101902]ServiceRequestID", "nobody has this")])],
        aggregation=[("MHSARV101", count, []), ("MHSARV201", 1, [])])
    done = site.run("mhsflow", "submission", "reports", one["id"], path, "--reference", "SDCS-2", "--as", "Data Manager",
                    "--json")
    assert done.returncode == 1, done
    said = json.loads(done.stdout)
    assert said["state"] == "accepted" and said["receipt" if "receipt" in said else "reference"] == "SDCS-2", said
    assert said["rejected"] == 1 and said["warnings"] == 2 and said["tied"] == 2, said
    by_rule = {difference["rule"]: difference for difference in said["differences"]}
    assert by_rule[rule]["only_portal"] == 1 and by_rule["MHS99998"]["only_portal"] == 1, said
    assert [table["table"] for table in said["tables"]] == ["MHS201"], said["tables"]
    found = site.mhsflow("finding", "list", "--each", "--submission", one["id"], "--source", "receiver")
    tied = {finding["rule"]: finding for finding in found}
    assert len(found) == 3, found
    assert tied[rule]["record_type"] == "contact" and tied[rule]["record_id"], tied[rule]
    assert tied[rule]["org"], tied[rule]
    assert tied["MHS99999"]["person"] and not tied["MHS99998"]["person"], tied
    # The same reports again: nothing twice.
    site.run("mhsflow", "submission", "reports", one["id"], path, "--as", "Data Manager")
    again = site.mhsflow("finding", "list", "--each", "--submission", one["id"], "--source", "receiver")
    assert len(again) == 3, len(again)
    # A rule of the whole file: rejected.
    path = site.write_reports("refused.zip", validations=[("MHSREJ102", "", [("[M001030]NHSNumber", "x")])])
    done = site.run("mhsflow", "submission", "reports", other["id"], path, "--reference", "SDCS-3", "--as", "Data Manager")
    assert done.returncode == 1 and site.state(other["id"]) == "rejected", done.stdout + done.stderr


def hostile_reports(site):
    one = site.queue()[0]
    for name, content in (("plain.zip", b"not a zip"), ("cut.zip", open(site.path("reports.zip"), "rb").read()[:-40])):
        with open(site.path(name), "wb") as out:
            out.write(content)
        done = site.run("mhsflow", "submission", "reports", one["id"], site.path(name), "--as", "X", check=False)
        assert done.returncode == 3, (name, done)
    with zipfile.ZipFile(site.path("bomb.zip"), "w", zipfile.ZIP_DEFLATED) as out:
        for name in ("validations.csv", "data_quality.csv"):
            out.writestr(name, b"0" * (80 << 20))
    site._own()
    done = site.run("mhsflow", "submission", "reports", one["id"], site.path("bomb.zip"), "--as", "X", check=False)
    assert done.returncode == 3 and "larger than" in done.stderr, done.stderr


def not_uploaded(site):
    """The folder is gone, the person says that it never went: it is made again, once."""
    one = waiting(site, 1)[0]
    folder = site.handed(one)
    shutil.move(folder, site.path("taken"))
    site.mhsflow("submission", "receipt", one["id"], "--not-uploaded", "--as", "Data Manager")
    for _ in deadline_loop(60, "it is handed over again"):
        if os.path.exists(folder) and site.state(one["id"]) == "waiting":
            break
    done = site.run("mhsflow", "submission", "receipt", one["id"], "--not-uploaded", "--reference", "X", check=False)
    assert done.returncode == 2, done


def main():
    site, tap = PortalSite(sys.argv[1], people=30, seed=5, name="portal"), Tap()
    try:
        site.start_sandbox("--tail", "100")
        site.start_daemon()
        fine = tap.check("a hand-over is whole, signed and for the owner's eyes", lambda: hand_over(site))
        for name, step in (("a person's receipt settles it, with the name in the audit", receipt),
                           ("the portal's reports are tied to records and compared", reports),
                           ("what is no report changes nothing", hostile_reports),
                           ("what was not uploaded is handed over again", not_uploaded)):
            fine = fine and tap.check(name, lambda step=step: step(site))
        tap.check("the audit is whole", site.verify_audit)
    finally:
        site.close()
    return tap.end()


sys.exit(main())
