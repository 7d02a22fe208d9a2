#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three feeds at once: one is broken, one reads back a whole history from files, one brings today's changes.

The files and the change feed know the same people.  Who they are is read from the files by this program; what is
sent for them, from the documents that the receiver accepted.

usage: test_feeds_together.py BUILD-FOLDER
"""
import collections
import csv
import glob
import os
import shutil
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_site import Site, Tap, deadline_loop  # noqa: E402

TODAY = "2026-10-20"
NAMESPACE = "{urn:mhsflow:mhsds:6.0}"


class FeedsSite(Site):
    broken = True

    def write_settings(self, ports, lines=""):
        super().write_settings(ports, lines)
        with open(self.path("mhsflow.yaml"), encoding="utf-8") as file:
            text = file.read()
        more = (f"  - name: history\n    id_prefix: h\n    poll_interval: 1s\n    adapter: csv_drop\n"
                f"    folder: {self.path('drops')}\n    page_size: 20\n")
        if self.broken:
            more += ("  - name: broken\n    id_prefix: x\n    poll_interval: 1s\n    adapter: mef\n"
                     "    url: https://127.0.0.1:1/export/v1\n"
                     f"    token: {self.path('sandbox/feed.token')}\n    ca: {self.path('sandbox/ca.pem')}\n")
        with open(self.path("mhsflow.yaml"), "w", encoding="utf-8") as file:
            file.write(text.replace("routes:\n", more + "routes:\n"))
        self._own()

    def feed(self, name):
        return {one["name"]: one for one in self.mhsflow("feed", "list")}.get(name, {})

    def wait(self, condition, what):
        for _ in deadline_loop(120, what):
            if self.ready(condition):
                return

    def accepted(self):
        for one in self.newest().values():
            assert one["state"] == "accepted", one
            path = self.path("sandbox", "accepted", f"{one['provider']}-{one['period']}-r{one['revision']}.xml")
            for row in ElementTree.parse(path).getroot():
                yield (one["provider"], one["period"]), row.tag.removeprefix(NAMESPACE)[:6], {
                    item.tag.removeprefix(NAMESPACE): item.text for item in row}


def put_history(site):
    """Everything that the change feed will ever show, as one full drop."""
    site.run("mhsflow-sandbox", "generate", "--format", "csv-drop", "--people", site.people, "--seed", site.seed,
             "--today", TODAY, "--out", site.path("made"))
    site.drop = glob.glob(site.path("made", "mef1_*_1"))[0]
    os.mkdir(site.path("drops"), 0o700)
    for path in glob.glob(site.path("made", "mef1_*")):
        kind = shutil.copytree if os.path.isdir(path) else shutil.copy
        kind(path, site.path("drops", os.path.basename(path)))
    site._own()


def pages_take_turns(site):
    """The daily feed gets its pages in between those of the history, and the broken one is in nobody's way."""
    site.start_daemon()
    site.wait(lambda: site.feed("sandbox")["complete"] and site.feed("history")["complete"], "two feeds are read")
    for _ in deadline_loop(120, "the broken feed says so"):
        if site.feed("broken")["state"] in ("late", "down"):
            break
    turns = [event["fields"]["feed"] for event in site.mhsflow("audit", "list", "--event", "feed_advanced", "--newest", "0")]
    history = [at for at, feed in enumerate(turns) if feed == "history"]
    daily = [at for at, feed in enumerate(turns) if feed == "sandbox"]
    assert len(history) > 30, len(history)
    assert min(daily) < history[10] and daily[-1] < history[-1], (daily, history)
    assert sum(history[0] < at < history[-1] for at in daily) >= 3, daily
    assert site.feed("broken")["failures"] >= 1 and not site.feed("broken")["records"]


def no_month_without_the_broken_one(site):
    """Nobody knows what it would have brought: nothing is built until it is there, or out of the settings."""
    assert not site.queue()
    site.stop_daemon()
    site.broken = False
    site.write_settings(site.ports())


def one_person_goes_once(site):
    site.start_daemon()
    site.control("POST", "/reveal", {})
    site.wait(lambda: site.mhsflow("status")[0]["settled"] and site.feed("sandbox")["behind"] == 0
              and site.feed("sandbox")["sequence"] == site.control("GET", "/state")["feed"]["head_seq"]
              and not site.mhsflow("status")[0]["people_waiting"], "all is accepted")
    with open(os.path.join(site.drop, "people.csv"), encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    known = {row["id"]: (row["nhs_number"], row["birth_date"]) for row in people}
    shared = collections.Counter(number for number, _ in known.values() if number.isdigit())
    sure = {person for person, (number, birth) in known.items() if number.isdigit() and birth and shared[number] == 1}
    assert len(sure) > 10, len(sure)
    ids, numbers, referrals = (collections.defaultdict(list) for _ in range(3))
    for key, table, row in site.accepted():
        if table == "MHS001":
            ids[key].append(row["LocalPatientID"])
            numbers[key] += [row["NHSNumber"]] if row.get("NHSNumber") else []
        elif table == "MHS101":
            referrals[key, row["LocalPatientID"]].append(row["ServiceRequestID"])
    assert ids
    for key, found in ids.items():
        assert len(found) == len(set(found)), key
        assert len(numbers[key]) == len(set(numbers[key])), key
        twice = [person for person in sure if {"s" + person, "h" + person} <= set(found)]
        assert not twice, (key, len(twice))
    # The referrals of both feeds, under the one id; of everybody else, each feed's under its own.
    both = [key for key, found in referrals.items() if {one[0] for one in found} == {"s", "h"}]
    assert len(both) > 10, len(both)
    assert {key[1][1:] for key in both} <= sure
    matched = {row["record_id"] for row in site.mhsflow("finding", "list", "--each")
               if row["rule"] == "match.same_person"}
    assert matched == sure, (len(matched), len(sure))
    site.verify_audit()
    site.check_delivery()


def main():
    tap = Tap()
    site = FeedsSite(sys.argv[1], people=30, seed=6, today=TODAY, name="feeds")
    try:
        site.start_sandbox("--tail", "60")
        put_history(site)
        if tap.check("a history and a daily feed take turns; a broken one delays nobody", lambda: pages_take_turns(site)):
            tap.check("no month is built without the broken feed", lambda: no_month_without_the_broken_one(site))
            tap.check("one person whom two feeds know goes once, with the referrals of both",
                      lambda: one_person_goes_once(site))
        if tap.failed:
            print("# " + site.tail().replace("\n", "\n# "))
    finally:
        site.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
