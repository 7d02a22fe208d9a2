#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files instead of a feed: a CSV drop and a MYMUP dump run to accepted submissions, and nothing gets lost on the way.

What goes in is counted from the files by this program's own reading of them; what comes out is counted from the documents
that the receiver accepted; what stays behind, from the findings.  The three must agree, record by record.

usage: test_drops.py BUILD-FOLDER
"""
import collections
import csv
import glob
import hashlib
import html
import os
import re
import shutil
import sys
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from whole_site import Site, deadline_loop  # noqa: E402

BUILD = sys.argv[1]
EXPORTED, TODAY = "2026-10-20", "2026-11-05"  # the month of the export is open, and over
MORE = int(os.environ.get("MHSFLOW_SEEDS", "0"))
# Of daemon/base/fault.def; one reader serves both forms, so that in the gate each walks a part.
ALL_POINTS = ("poll.before_fetch", "poll.after_fetch", "ingest.before_commit", "ingest.after_commit", "drop.before_move",
              "drop.mid_move")
POINTS = {"csv": ALL_POINTS if MORE else ALL_POINTS[3:], "mymup": ALL_POINTS if MORE else ALL_POINTS[2::3]}
FRANCHISES = {"Sandbox Young People's Lead": "V9X01", "Sandbox Lead Two": "V9X02", "Sandbox Partner": "V9X01"}
NAMESPACE = "{urn:mhsflow:mhsds:6.0}"


class DropSite(Site):
    """A site that reads files: the sandbox is only its receiver and the maker of the files."""

    def __init__(self, build, feed, providers, **more):
        self.feed_lines, self.basis = feed, providers
        super().__init__(build, today=TODAY, **more)
        os.mkdir(self.path("drops"), 0o700)
        self._own()

    def write_settings(self, ports, lines=""):
        super().write_settings(ports, lines)
        with open(self.path("mhsflow.yaml"), encoding="utf-8") as file:
            text = file.read()
        begin, end = text.index("feeds:\n"), text.index("routes:\n")
        feed = "".join(f"    {line}\n" for line in self.feed_lines)
        text = (text[:begin] + f"feeds:\n  - name: files\n    id_prefix: f\n    poll_interval: 1s\n"
                f"    folder: {self.path('drops')}\n{feed}" + text[end:])
        for code, line in self.basis.items():
            text = text.replace(f"  - code: {code}\n", f"  - code: {code}\n    {line}\n")
        with open(self.path("mhsflow.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def export(self, form, where, *more):
        self.run("mhsflow-sandbox", "generate", "--format", form, "--people", self.people, "--seed", self.seed,
                 "--today", EXPORTED, "--out", self.path(where), *more)

    def put(self, source, name):
        """As a careful writer does: copied beside, renamed."""
        shutil.copytree(source, self.path("drops", ".part"))
        self._own()
        os.rename(self.path("drops", ".part"), self.path("drops", name))

    def show(self):
        return {**self.mhsflow("feed", "list")[0], **self.mhsflow("feed", "show", "files")[0]}

    def live(self):
        return {kind["type"]: kind["live"] for kind in self.show()["types"]}

    def wait_show(self, condition, what, seconds=30):
        for _ in deadline_loop(seconds, what):
            if self.ready(lambda: condition(self.show())):
                return

    def killed_at(self, point, what):
        """The reader, on the way of what waits in the folder."""
        mark = os.path.getsize(self.log)
        self.start_daemon({"MHSFLOW_FAULT": point})
        for _ in deadline_loop(90, f"killed at {point}: {what}"):
            with open(self.log, encoding="utf-8", errors="replace") as file:
                file.seek(mark)
                if "signal 9" in file.read():
                    break
        self.stop_daemon()

    def walk_points(self, points, put_next, name_of):
        """Killed at every point that a drop passes: it is in once, and out of the way."""
        self.stop_daemon()
        for number, point in enumerate(points):
            put_next(number)
            before = self.audited
            self.killed_at(point, name_of(number))
            self.start_daemon()
            done = self.path("drops/done", name_of(number))
            for _ in deadline_loop(90, f"{name_of(number)} is in done/ after {point}"):
                if os.path.isdir(done):
                    break
            self.wait_show(lambda feed: feed["complete"] and feed["state"] == "ok", "the feed is well")
            self.audited = len(self.mhsflow("audit", "list", "--event", "feed_advanced", "--newest", "0"))
            assert self.audited > before, point
            assert not os.path.exists(self.path("drops", name_of(number))), point
            self.stop_daemon()
        self.start_daemon()

    audited = 0

    def accepted(self):
        """Rows of the newest accepted document of each provider and month."""
        for one in self.newest().values():
            assert one["state"] == "accepted", one
            path = self.path("sandbox", "accepted", f"{one['provider']}-{one['period']}-r{one['revision']}.xml")
            for row in ElementTree.parse(path).getroot():
                yield one["provider"], row.tag.removeprefix(NAMESPACE)[:6], {
                    item.tag.removeprefix(NAMESPACE): item.text for item in row}

    def findings(self):
        return self.mhsflow("finding", "list", "--each")


def clean(text):
    return " ".join(re.sub("[\0-\x1f\x7f]", " ", html.unescape(text)).split())


def day(text):
    """Both ways of the dump to write a day."""
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", text)
    return "-".join(reversed(found.groups())) if found else text


SPELLINGS = {"service_type": "contact_service_type", "sen": "special_education_needs", "postcode": "post_code"}
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def sheet(folder, kind):
    """Rows of one of the eight files, cleaned; a row that stands there twice is one."""
    with open(glob.glob(os.path.join(folder, f"cypmh_{kind}_*.csv"))[0], encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    names = [clean(name).lower().replace(" ", "_") for name in header]
    names = [SPELLINGS.get(name, name) for name in names]
    seen = dict.fromkeys(tuple("" if clean(value).startswith("0000-00-00") else clean(value) for value in row)
                         for row in rows)
    return [dict(zip(names, row)) for row in seen], len(rows) - len(seen)


def made_id(letter, *texts, number=0):
    """The id that a row of a dump has for ever (adapters/feed/MYMUP_DUMP.md), worked out a second time."""
    digest = bytearray(hashlib.sha256(b"".join(text.encode() + b"\0" for text in texts)).digest())
    digest[0] = (digest[0] + number) & 255
    return letter + "".join(LETTERS[byte & 31] for byte in digest[:15])


def row_id(letter, row, number=0):
    return made_id(letter, *(text for item in row.items() for text in item), number=number)


class Ledger:
    """Every record of a dump, and where it went: out, withheld, named by a finding, or administration.

    Records have the ids worked out here from the files, so that what is compared are the records themselves, not how
    many there are.  A score has none: it is referral, day and value."""

    def __init__(self, site, dump):
        self.findings = site.findings()
        closed = {row["person"] for row in self.findings if row["rule"].startswith("withheld")}
        self.came = {kind: collections.Counter() for kind in ("people", "referrals", "contacts", "scores")}
        self.withheld = {kind: collections.Counter() for kind in self.came}
        self.administration = collections.Counter()
        self.referrals = collections.defaultdict(list)  # client: (day, franchise, id), oldest first
        self._read(dump, closed)
        self.out = {kind: collections.Counter() for kind in self.came}
        self._send(site)
        self.found = {kind: self._found(kind) for kind in self.came}

    def _add(self, kind, key, closed):
        self.came[kind][key] += 1
        if closed:
            self.withheld[kind][key] += 1

    def _read(self, dump, closed):
        for client in {row["global_id"] for row in sheet(dump, "clients_all")[0]}:
            self._add("people", client, client in closed)
        for row in sheet(dump, "referrals")[0]:
            client, franchise, begin = row["global_id"], row["franchise"], day(row["referral_date"])
            key = made_id("R", client, franchise, begin)
            if (begin, franchise, key) not in self.referrals[client]:
                self._add("referrals", key, client in closed)
                self.referrals[client].append((begin, franchise, key))
        for row in sheet(dump, "contacts_all")[0]:
            key, closed_one = row_id("C", row), row["global_id"] in closed
            self._add("contacts", key, closed_one)
            if row["contact_session_option"] == "Administrative" and not closed_one:
                self.administration[key] += 1
        for row in sheet(dump, "plans_and_goals_all")[0]:
            begin = day(row["goal_date"])
            for number in (1, 2, 3):
                if row[f"score_{number}"]:
                    referral = self._referral_on(row, begin)
                    key = (referral, begin, row[f"score_{number}"]) if referral else row_id("G", row, number)
                    self._add("scores", key, row["global_id"] in closed)

    def _referral_on(self, row, at):
        return max((one for one in self.referrals[row["global_id"]] if one[1] == row["franchise"] and one[0] <= at),
                   default=(None,) * 3)[2]

    def _send(self, site):
        """What the receiver accepted, each record once however many months it stands in."""
        rows = collections.defaultdict(set)
        for _, table, row in site.accepted():
            if table == "MHS001":
                rows["people"].add((row["LocalPatientID"][1:],))
            elif table == "MHS101":
                rows["referrals"].add((row["ServiceRequestID"][1:],))
            elif table == "MHS201":
                rows["contacts"].add((row["CareContactID"][1:],))
            elif table == "MHS606":
                rows["scores"].add((row["ServiceRequestID"][1:], row["AssToolCompTimestamp"][:10], row["PersScore"],
                                    row["CodedAssToolType"]))
        for kind, each in rows.items():
            self.out[kind].update(key[:3] if kind == "scores" else key[0] for key in each)

    def _found(self, kind):
        """Left out with a finding that leads to it: by its id, or by the key of its row."""
        table, record = {"people": ("MHS001", "person"), "referrals": ("MHS101", "referral"),
                         "contacts": ("MHS201", "contact"), "scores": ("MHS606", "goal")}[kind]
        left = [row for row in self.findings
                if row["rule"] == "mymup.future" or (row["left_out"] and not row["rule"].startswith("withheld"))]
        ids = {row["record_id"] for row in left if row["record_type"] == record}
        keys = [row["row_key"] or "" for row in left if (row["table"] or "").startswith(table)]
        missing = self.came[kind] - self.out[kind] - self.withheld[kind]
        if kind == "contacts":
            missing -= self.administration
        return collections.Counter({key: count for key, count in missing.items()
                                    if key in ids or any(goes(key, text) for text in keys)})


def goes(key, row_key):
    """Is this key of a finding's row that of the record?"""
    return all(part in row_key for part in ([key] if isinstance(key, str) else key))


class MymupDump(unittest.TestCase):
    """The eight files run to accepted submissions; in equals out plus withheld plus findings, record by record."""

    profile, seed = "typical", 3
    planted = {"people": 1, "referrals": 1, "contacts": 3, "scores": 2}  # see plant()

    @classmethod
    def setUpClass(cls):
        codes = ", ".join(f'"{name}": {code}' for name, code in FRANCHISES.items())
        # The dump holds no consents: where consent is the basis everybody is withheld.
        cls.site = DropSite(BUILD, ["adapter: mymup_dump", "settle: 0s", f"organisations: {{{codes}}}"],
                            {"V9X01": "legal_basis: public_task"}, people=60, seed=cls.seed, name="mymup")
        cls.addClassCleanup(cls.site.close)
        site = cls.site
        site.start_sandbox()
        site.export("mymup", "made", "--profile", cls.profile)
        site.dump = glob.glob(site.path("made", "dump-*"))[0]
        cls.plant(site.dump)
        site.put(site.dump, "october")
        site.start_daemon()
        site.wait_settled()

    @staticmethod
    def plant(dump):
        """Slips that nothing can be made of: each must come out as a finding."""
        client = sheet(dump, "referrals")[0][0]
        who = f"{client['global_id']},{client['franchise']}"
        for kind, lines in {
                "clients_all": ["ALONE,U9,Bradford District,200,Non-Binary,Arab,BD7,No,,No"],
                "contacts_all": [f"{who},01/01/2020,Telephone,Attended,x,Support Session,No,,No",
                                 f"{who},0000-00-00,Telephone,Attended,x,Support Session,No,,No",
                                 f"{who},20/10/2026,Email,Attended,x,Administrative,No,,No",
                                 "NOBODY,x,20/10/2026,Telephone,Attended,x,Support Session,No,,No"],
                "referrals": ["NOBODY,Sandbox Partner,2026-07-01,VCS,No,,No"],
                "plans_and_goals_all": [f"{who},01/01/2020,1,2,,Initial,No,,No"]}.items():
            with open(glob.glob(os.path.join(dump, f"cypmh_{kind}_*.csv"))[0], "a", encoding="utf-8") as file:
                file.write("".join(line + "\r\n" for line in lines))

    def test_it_is_in_and_moved(self):
        site = self.site
        self.assertTrue(os.path.isdir(site.path("drops/done/october")))
        self.assertEqual(site.show()["state"], "ok")
        clients, _ = sheet(site.dump, "clients_all")
        self.assertEqual(site.live()["person"], len({row["global_id"] for row in clients}))

    def test_what_is_not_carried_is_said_once(self):
        said = [row["message"] for row in self.site.findings() if row["rule"] == "mymup.not_carried"]
        self.assertEqual(len(said), 4, said)
        twice = {row["message"].split(":")[0]: int(re.search(r": (\d+) rows", row["message"]).group(1))
                 for row in self.site.findings() if row["rule"] == "mymup.twice"}
        for kind in ("clients_all", "referrals", "contacts_all", "plans_and_goals_all"):
            self.assertEqual(twice.get(kind, 0), sheet(self.site.dump, kind)[1], kind)
        self.assertGreater(twice["contacts_all"], 5)

    def test_in_equals_out_plus_withheld_plus_findings(self):
        ledger = Ledger(self.site, self.site.dump)
        for kind, came in ledger.came.items():
            with self.subTest(kind):
                administration = ledger.administration if kind == "contacts" else collections.Counter()
                self.assertGreater(len(ledger.out[kind]), 10)
                self.assertGreater(len(ledger.withheld[kind]), 0)
                self.assertFalse(ledger.out[kind] - came, "nothing went out that did not come in")
                self.assertFalse(ledger.out[kind] & (ledger.withheld[kind] + administration), "what is held stays here")
                self.assertEqual(came, ledger.out[kind] + ledger.withheld[kind] + ledger.found[kind] + administration,
                                 "every record is out, withheld, or named by a finding")
        planted = {kind: sum(found.values()) for kind, found in ledger.found.items()}
        print(f"# {self.profile} {self.seed}: in = out + withheld + findings:",
              {kind: (sum(came.values()), sum(ledger.out[kind].values()), sum(ledger.withheld[kind].values()),
                      planted[kind]) for kind, came in ledger.came.items()},
              f"administration {sum(ledger.administration.values())}")
        for kind, least in self.planted.items():
            self.assertGreaterEqual(planted[kind], least, kind)


    def test_z_killed_anywhere_a_dump_is_in_once(self):
        if self.profile != "typical":
            return
        site, live = self.site, self.site.live()

        def put(number):
            """The same dump, of a later day."""
            folder = site.path("later")
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)
            for path in glob.glob(os.path.join(site.dump, "*.csv")):
                shutil.copy(path, os.path.join(folder, os.path.basename(path).replace("20102026", f"2{number + 1}102026")))
            site.put(folder, f"again-{number}")

        site.walk_points(POINTS["mymup"], put, lambda number: f"again-{number}")
        site.wait_show(lambda feed: feed["sequence"] // 1000 == 20261020 + len(POINTS["mymup"]), "the last dump is in")
        self.assertEqual(site.live(), live)
        site.verify_audit()


class MymupDumpHostile(MymupDump):
    """The same with values that are meant to break programs, and other people."""

    profile, seed = "hostile", 5


def more_dumps():
    """MHSFLOW_SEEDS=N: N more caseloads, dirty and hostile in turn."""
    return [type(f"MymupDump{seed}", (MymupDump,), {"profile": ("dirty", "hostile")[seed % 2], "seed": seed})
            for seed in range(10, 10 + MORE)]


def load_tests(loader, tests, _pattern):
    tests.addTests(loader.loadTestsFromTestCase(kind) for kind in more_dumps())
    return tests


class CsvDrop(unittest.TestCase):
    """A full drop, killed on the way, is in once; then a delta, a fall that waits, and a drop that is refused."""

    @classmethod
    def setUpClass(cls):
        cls.site = DropSite(BUILD, ["adapter: csv_drop", "page_size: 150"], {}, people=40, seed=5, name="csv-drop")
        cls.addClassCleanup(cls.site.close)
        site = cls.site
        site.start_sandbox()
        site.export("csv-drop", "made")
        cls.made = glob.glob(site.path("made", "mef1_*_1"))[0]
        cls.first = os.path.basename(cls.made)

    def put(self, name):
        """The drop, and last the hash of its manifest."""
        with open(os.path.join(self.made, "manifest.csv"), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.site.put(self.made, name)
        with open(self.site.path("drops", name + ".sha256"), "w", encoding="utf-8") as file:
            file.write(digest + "  manifest.csv\n")
        self.site._own()

    def rewrite(self, changes, mode):
        """The drop's files anew: name to text (None: not there), and a manifest that fits."""
        for name, text in changes.items():
            path = os.path.join(self.made, name)
            if text is None:
                os.unlink(path)
            else:
                with open(path, "w", encoding="utf-8", newline="") as file:
                    file.write(text)
        with open(os.path.join(self.made, "manifest.csv"), "w", encoding="utf-8", newline="") as out:
            out.write("feed,schema,mode,generated_at,period_from,period_to,file,rows,sha256\r\n")
            for name in sorted(set(os.listdir(self.made)) - {"manifest.csv"}):
                with open(os.path.join(self.made, name), "rb") as file:
                    content = file.read()
                rows = len(list(csv.reader(content.decode().splitlines()))) - 1
                out.write(f"sandbox,1,{mode},2026-10-21T23:00:00Z,,,{name},{rows},"
                          f"{hashlib.sha256(content).hexdigest()}\r\n")

    def text(self, name):
        with open(os.path.join(self.made, name), encoding="utf-8", newline="") as file:
            return file.read()

    def ids(self, name):
        with open(os.path.join(self.made, name), encoding="utf-8", newline="") as file:
            return {row["id"] for row in csv.DictReader(file)}

    def check_live(self):
        live = self.site.live()
        for name, kind in (("people", "person"), ("consents", "consent"), ("referrals", "referral"),
                           ("contacts", "contact"), ("goals", "goal"), ("assessments", "assessment"),
                           ("care_plans", "care_plan"), ("organisations", "organisation"), ("teams", "team")):
            self.assertEqual(live.get(kind, 0), len(self.ids(name + ".csv")), name)

    def test_1_killed_at_every_third_page_it_is_in_once(self):
        site = self.site
        self.put(self.first)
        site.start_daemon({"MHSFLOW_FAULT": "ingest.before_commit:3"})
        site.wait_show(lambda feed: feed["complete"], "a drop is in although its reader is killed again and again", 90)
        site.stop_daemon()
        site.start_daemon()
        site.wait_settled()
        self.check_live()
        self.assertTrue(os.path.isdir(site.path("drops/done", self.first)))
        self.assertFalse(os.path.exists(site.path("drops", self.first)))
        with open(site.log, encoding="utf-8", errors="replace") as file:
            self.assertIn("signal 9", file.read().lower().replace("sigkill", "signal 9"))
        out = collections.Counter(table for _, table, _ in site.accepted())
        self.assertGreater(out["MHS201"], 100)
        site.verify_audit()
        site.check_delivery()

    def test_2_a_delta_names_what_goes(self):
        site = self.site
        gone = sorted(self.ids("contacts.csv"))[0]
        before = site.live()["contact"]
        whole = {name: self.text(name) for name in os.listdir(self.made)}
        for name in whole:
            os.unlink(os.path.join(self.made, name))
        self.rewrite({"deletions.csv": f"type,id,op,reason,survivor_id,recorded_at\ncontact,{gone},delete,"
                                       "entered_in_error,,2026-10-21T12:00:00Z\n"}, "delta")
        self.put("mef1_sandbox_delta_20261021T230000Z_1")
        site.wait_show(lambda feed: feed["sequence"] == 20261021230000001, "the delta is in")
        self.assertEqual(site.live()["contact"], before - 1)
        os.unlink(os.path.join(self.made, "deletions.csv"))
        for name, text in whole.items():
            with open(os.path.join(self.made, name), "w", encoding="utf-8", newline="") as file:
                file.write(text)

    def test_3_a_fall_waits_for_a_person_and_then_sweeps(self):
        site, name = self.site, "mef1_sandbox_full_20261022T230000Z_1"
        header, *rows = self.text("contacts.csv").splitlines(keepends=True)
        self.rewrite({"contacts.csv": header + "".join(rows[len(rows) // 10:])}, "full")
        self.put(name)
        site.wait_show(lambda feed: feed["state"] == "stopped", "the feed waits for a person")
        self.assertIn("drop.fall", site.show()["error"])
        self.assertIn("feed reconcile", site.show()["remedy"])
        self.assertTrue(os.path.isdir(site.path("drops", name)))
        self.assertEqual(site.run("mhsflow", "feed", "reconcile", "files", "--as", "tester").returncode, 1)
        site.mhsflow("feed", "reconcile", "files", "--yes", "--as", "tester")
        site.wait_show(lambda feed: feed["sequence"] == 20261022230000001, "the drop is in")
        self.check_live()
        self.assertEqual([event["fields"]["actor"] for event in site.mhsflow("audit", "list", "--event", "feed_reconciled")],
                         ["tester"])

    def test_4_a_refused_drop_says_why(self):
        site, name = self.site, "mef1_sandbox_full_20261023T230000Z_1"
        self.rewrite({"people.csv": self.text("people.csv") + "one field only\n"}, "full")
        self.put(name)
        for _ in deadline_loop(30, "the drop is in quarantine"):
            if os.path.isdir(site.path("drops/quarantine", name)):
                break
        with open(site.path("drops/quarantine", name + ".problems.csv"), encoding="utf-8") as file:
            problems = list(csv.DictReader(file))
        self.assertEqual([(row["file"], row["row"]) for row in problems],
                         [("people.csv", str(len(self.ids("people.csv")) + 1))])
        self.assertIn("csv.fields", [row["rule"] for row in site.findings()])
        self.assertEqual(site.show()["state"], "ok")
        self.rewrite({"people.csv": self.text("people.csv").replace("one field only\n", "")}, "full")

    def test_5_killed_anywhere_a_drop_is_in_once(self):
        def name(number):
            return f"mef1_sandbox_full_202610{24 + number}T230000Z_1"
        self.site.walk_points(POINTS["csv"], lambda number: self.put(name(number)), name)
        last = 20261024230000001 + 1000000000 * (len(POINTS["csv"]) - 1)
        self.site.wait_show(lambda feed: feed["sequence"] == last, "the last drop is in")
        self.check_live()
        self.site.verify_audit()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
