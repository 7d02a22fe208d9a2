# SPDX-License-Identifier: Apache-2.0
"""What is true of a made-up caseload, folded from its change log alone: records, consent, who belongs in which month.

Shares nothing with the daemon and does not ask the sandbox's own truth either: a
third opinion.
"""
import calendar
import datetime

PROVIDERS = {"O-L1": "V9X01", "O-P1": "V9X01", "O-L2": "V9X02"}


class Oracle:
    """`changes` is the whole log as `mhsflow-sandbox generate` prints it."""

    def __init__(self, changes, today):
        self.today = today.isoformat()
        self.changes = changes
        self.records = {}    # (type, id) -> the latest change
        self.merged = {}     # person -> survivor
        for change in changes:
            if change["op"] == "merge":
                self.merged.update((gone, change["merge"]["survivor"]) for gone in change["merge"]["merged"])
            self.records[(change["type"], change["id"])] = change

    def survivor(self, person):
        while person in self.merged:
            person = self.merged[person]
        return person

    def live(self, kind):
        for (type_, name), change in self.records.items():
            if type_ == kind and change.get("record") is not None and not (kind == "person" and name in self.merged):
                yield name, change["record"], change

    # ---- promise 1 ----

    def versions(self):
        """(type, id) -> (newest version, deleted); a merged person counts as its own last change."""
        return {key: (change["version"], change["op"] == "delete") for key, change in self.records.items()}

    # ---- promise 3 ----

    def consented(self):
        """Persons whose decision in force is `given`; after a merge the latest of all counts, a refusal wins a tie."""
        best = {}
        for _, record, change in self.live("consent"):
            if record["purpose"] != "mhsds" or (record["valid_from"] or "") > self.today:
                continue
            given = record["status"] == "given"
            rank = (record["valid_from"] or change["recorded_at"][:10], change["recorded_at"], not given)
            person = self.survivor(record["person"])
            if person not in best or rank > best[person][0]:
                best[person] = (rank, given and (not record["valid_to"] or record["valid_to"] >= self.today))
        return {person for person, (_, given) in best.items() if given}

    def never_again(self):
        """Persons who decided against it at some time and never for it afterwards, unmerged."""
        said = {}
        for change in self.changes:
            record = change.get("record") or {}
            if change["type"] == "consent" and record.get("purpose") == "mhsds":
                said.setdefault(record["person"], []).append(record["status"] == "given")
        touched = set(self.merged) | set(self.merged.values())
        return {person for person, given in said.items()
                if person not in touched and not given[-1] and not any(given[given.index(False):])}

    def expected(self, provider, period):
        """Persons with consent and a referral of the provider that is open in the month."""
        year, month = map(int, period.split("-"))
        first = f"{period}-01"
        last = datetime.date(year, month, calendar.monthrange(year, month)[1]).isoformat()
        with_consent = self.consented()
        found = set()
        for _, record, _ in self.live("referral"):
            ended = record["support_end_date"] or record["rejected_date"]
            person = self.survivor(record["person"])
            if (PROVIDERS[record["org"]] == provider and record["received_date"] <= last
                    and (not ended or ended >= first) and person in with_consent
                    and self.records[("person", person)]["op"] != "delete"):
                found.add(person)
        return found

    # ---- promise 7 ----

    def secrets(self):
        """What must never be seen outside the database."""
        found = set()
        for change in self.changes:
            if change["type"] in ("organisation", "area", "team", "worker", "network"):
                continue
            found.add(change["id"])
            record = change.get("record") or {}
            found.update(str(record[key]) for key in ("nhs_number", "birth_date", "postcode")
                         if isinstance(record.get(key), str) and record[key])
        return {secret for secret in found if len(secret) >= 6}
