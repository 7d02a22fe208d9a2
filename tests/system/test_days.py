#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every day of a year is a day to begin on: what is due has rows, and its document breaks no national rule.

usage: test_days.py BUILD-FOLDER [DAY...]

Walks 366 days, leap day, year ends, the window of 13 months in May and both clock
changes among them: a made-up caseload of that day is mapped for each month that is
due and that it reaches, and the documents are checked, without a database.  Each
day named, and with MHSFLOW_LONG set the odd ones, go through the whole flow too:
each month that is due on that day is accepted, and no other.
"""
import collections
import concurrent.futures
import datetime
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from month import Pack  # noqa: E402
from whole_site import SOURCE, Site, Tap  # noqa: E402

FIRST_DAY, DAYS = datetime.date(2027, 3, 1), 366
ODD_DAYS = ["2026-10-25", "2027-01-01", "2027-03-28", "2027-05-28", "2027-05-29", "2028-02-29"]
PROVIDERS = {"V9X01", "V9X02"}
REACH = 3  # the caseload is active in as many whole months before its day
SETTINGS = """state: {folder}/state
database: embedded
signing: {{certificate: none, key: none}}
feeds:
  - {{name: sandbox, adapter: mef, id_prefix: s, url: "https://127.0.0.1:1/export/v1"}}
routes:
  - {{name: hub, adapter: https, url: "https://127.0.0.1:1/msr/v1"}}
providers:
  - {{code: V9X01, route: hub, commissioner: V9C01, default_team: {{O-L1: T-L1-A, O-P1: T-P1-A}}}}
  - {{code: V9X02, route: hub, commissioner: V9C01, default_team: {{O-L2: T-L2-A}}}}
"""


def month_before(day, count):
    year, month = divmod(day.year * 12 + day.month - 1 - count, 12)
    return f"{year:04}-{month + 1:02}"


def due_months(day):
    """By the stated fallback: ended months of this financial year, and of the last one until 28 May."""
    first = datetime.date(day.year if day.month >= 4 else day.year - 1, 4, 1)
    if day <= datetime.date(first.year, 5, 28) and day.month in (4, 5):
        first = datetime.date(first.year - 1, 4, 1)
    months = {month_before(day, count) for count in range(1, 15)}
    return {month for month in months if month >= first.strftime("%Y-%m")}


class Walk:
    """The year without a database: made-up records, mapped by `try`, checked by `validate`."""

    def __init__(self, build, folder):
        self.mhsflow = os.path.join(build, "daemon/commands/mhsflow")
        self.sandbox = os.path.join(build, "tests/sandbox/mhsflow-sandbox")
        self.folder, self.pack = folder, Pack(SOURCE)
        self.settings = os.path.join(folder, "mhsflow.yaml")
        self.dataset = os.path.join(SOURCE, "mappings/mhsds-6.0")
        with open(self.settings, "w", encoding="utf-8") as out:
            out.write(SETTINGS.format(folder=folder))

    def call(self, day, *command, text=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MHSFLOW")}
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120, check=False,
                              env={**kept, "MHSFLOW_CLOCK": f"{day}T10:00:00Z"})

    def rows(self, day, month, records):
        """Rows by provider and table; nothing in a caseload without gaps is left out or withheld."""
        done = self.call(day, self.mhsflow, "try", os.path.join(self.dataset, "standard/mapping.yaml"), "-", "--month",
                         month, "--json", "--config", self.settings, text=records)
        assert done.returncode == 0, f"{month} is not mapped: exit {done.returncode} {done.stderr}"
        rows = collections.defaultdict(lambda: collections.defaultdict(list))
        for line in map(json.loads, done.stdout.splitlines()):
            assert line["kind"] != "person" or line["gate"] == "open", f"{month}: {line['gate']}"
            if line["kind"] == "row":
                values = {name: element["value"] for name, element in line["elements"].items()}
                rows[line["provider"]][line["table"]].append(values)
        return rows

    def check_document(self, day, month, provider, tables):
        tables["MHS000Header"][0]["DateTimeDatSetCreate"] = f"{day}T10:00:00"
        path = os.path.join(self.folder, f"{day}-{month}-{provider}.xml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(self.pack.document(tables))
        done = self.call(day, self.mhsflow, "validate", path, "--period", month, "--provider", provider,
                         "--submitted-at", f"{day}T10:30:00", "--dataset", self.dataset)
        assert done.returncode == 0, f"{provider} {month}: {done.stdout[-1500:]}{done.stderr}"
        os.remove(path)

    def day(self, day):
        """How many documents the day had."""
        reached = due_months(day) & {month_before(day, count) for count in range(1, REACH + 1)}
        assert reached, "no month is due"
        made = self.call(day, self.sandbox, "generate", "--people", "20", "--seed", str(day.toordinal()), "--today",
                         str(day), "--profile", "clean")
        assert made.returncode == 0, made.stderr
        for month in reached:
            rows = self.rows(day, month, made.stdout)
            assert set(rows) == PROVIDERS, f"{month}: rows of {sorted(rows)} only"
            for provider, tables in rows.items():
                for table in ("MHS001MPI", "MHS101Referral", "MHS201CareContact"):
                    assert tables.get(table), f"{provider} {month}: no {table}"
                self.check_document(day, month, provider, tables)
        return len(reached) * len(PROVIDERS)


def walk_year(build):
    wrong, documents = [], 0
    with tempfile.TemporaryDirectory(prefix="mhsflow-days-") as folder:
        walk = Walk(build, folder)

        def guarded(day):
            try:
                return walk.day(day)
            except (AssertionError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
                wrong.append(f"{day}: {type(error).__name__}: {error}")
                return 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            documents = sum(pool.map(guarded, [FIRST_DAY + datetime.timedelta(count) for count in range(DAYS)]))
    assert not wrong, f"{len(wrong)} days are wrong:\n" + "\n".join(sorted(wrong)[:5])
    print(f"# {DAYS} days, {documents} documents", flush=True)


def whole_flow(build, text):
    day = datetime.date.fromisoformat(text)
    site = Site(build, people=24, seed=day.toordinal(), today=text, name="day")
    try:
        site.start_sandbox()
        site.start_daemon()
        site.wait_settled(90)
        accepted = {period for (_, period), one in site.newest().items() if one["state"] == "accepted"}
        due = due_months(day)
        assert accepted <= due, f"not due on {text}: {sorted(accepted - due)}"
        # The caseload is active in the three months before; whatever of them is due must be there.
        active = {month_before(day, count) for count in (1, 2)} & due
        assert active <= accepted, f"due on {text}, not accepted: {sorted(active - accepted)}"
        shown = {month["period"] for month in site.mhsflow("status")[0]["months"]}
        assert shown == due, f"status says {sorted(shown)}, due are {sorted(due)}"
        site.check_delivery()
        site.verify_audit()
    finally:
        site.close()


def main():
    build, days = os.path.realpath(sys.argv[1]), sys.argv[2:]
    tap = Tap()
    if not days:
        tap.check("every day of a year has its months, and their documents are right", lambda: walk_year(build))
        days = ODD_DAYS if os.environ.get("MHSFLOW_LONG") else []
    for day in days:
        tap.check(f"the whole flow on {day}", lambda day=day: whole_flow(build, day))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
