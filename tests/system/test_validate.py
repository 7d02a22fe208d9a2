#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mhsflow validate and mhsflow dataset as black boxes: clean months, properties, hostile files.

usage: test_validate.py MHSFLOW SOURCE [sanitized]

Each hostile file ends in a clear message, in 100 ms of processor time and 64 MB;
with `sanitized` (a slower and larger build) those two limits are not judged.
"""
import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

import month as made_up


def spawner():
    """Runs programs for the test and says what each cost.

    A process of its own and small: Linux counts the memory of the process that starts
    a program as the program's."""
    for line in sys.stdin:
        request = json.loads(line)
        with open(request["out"], "wb") as out, open(request["err"], "wb") as err:
            process = subprocess.Popen(request["command"], stdout=out, stderr=err, env=request["env"])
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        print(json.dumps([process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]), flush=True)


if sys.argv[1] == "--spawner":  # before anything large is made
    spawner()
    sys.exit(0)

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
LIMITS = "sanitized" not in sys.argv[3:]
CPU_SECONDS, MEMORY_KIB = 0.100, 64 * 1024
SECRET = "SECRET9"  # stands where a person's data would; no output may repeat it
COMMON = ["--period", made_up.PERIOD, "--provider", made_up.PROVIDER,
          "--submitted-at", made_up.UPLOADED, "--dataset", os.path.join(SOURCE, "mappings/mhsds-6.0")]
TOP = '<?xml version="1.0" encoding="UTF-8"?>\n<MHSDS xmlns="urn:mhsflow:mhsds:6.0" version="6.0">\n'
END = "</MHSDS>\n"
PACK = made_up.Pack(SOURCE)


class Results:
    def __init__(self):
        self.count = self.failed = 0

    def check(self, good, name, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good and detail:
            print("# " + str(detail)[:2000].replace("\n", "\n# "))

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}")


class Run:
    """One run: exit code, output, and what it cost."""
    helper = folder = None

    def __init__(self, *arguments):
        out, err = os.path.join(Run.folder, "out"), os.path.join(Run.folder, "err")
        environment = {**os.environ, "MHSFLOW_CONFIG": "/nonexistent/none.yaml"}
        Run.helper.stdin.write(json.dumps({"command": [PROGRAM, *arguments], "out": out, "err": err,
                                           "env": environment}) + "\n")
        Run.helper.stdin.flush()
        self.code, self.cpu, self.memory = json.loads(Run.helper.stdout.readline())
        with open(out, encoding="utf-8", errors="replace", newline="") as file:
            self.out = file.read()
        with open(err, encoding="utf-8", errors="replace", newline="") as file:
            self.err = file.read()

    @staticmethod
    def begin(folder):
        Run.folder = folder
        Run.helper = subprocess.Popen([sys.executable, "-B", __file__, "--spawner"], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @staticmethod
    def end():
        Run.helper.stdin.close()
        Run.helper.wait()

    def findings(self):
        return [json.loads(line) for line in self.out.splitlines()]


def validate(path, *more):
    return Run("validate", path, *COMMON, *more)


def xml(inside):
    return (TOP + inside + END).encode()


# ---- Hostile documents: name, bytes, exit code, what the message says ----

def bomb(kind):
    if kind == "laughs":
        entities = '<!ENTITY a "' + SECRET + '">' + "".join(
            f'<!ENTITY {chr(98 + i)} "{"&" + chr(97 + i) + ";" * 1}{("&" + chr(97 + i) + ";") * 9}">' for i in range(12))
        return f'<!DOCTYPE x [{entities}]><MHSDS>&m;</MHSDS>'.encode()
    return ('<!DOCTYPE x [<!ENTITY a "' + "x" * 50000 + '">]><MHSDS>' + "&a;" * 50000 + "</MHSDS>").encode()


DOCTYPE, STRUCTURE = "a DOCTYPE is never read", "MHSREJ001"
DOCUMENTS = [
    ("empty", b"", 3, "the document is empty"),
    ("white space only", b" \n\t\n", 3, "empty, cut off"),
    ("plain text", b"dear data team, " + SECRET.encode(), 3, "no XML in UTF-8"),
    ("UTF-16 with a mark", "\ufeff<MHSDS/>".encode("utf-16-le"), 3, "no XML in UTF-8"),
    ("UTF-16 without a mark", "<MHSDS/>".encode("utf-16-le"), 3, "not UTF-8"),
    ("UTF-32", "<MHSDS/>".encode("utf-32-be"), 3, "not UTF-8"),
    ("Latin-1 declared", b'<?xml version="1.0" encoding="ISO-8859-1"?><MHSDS/>', 3, "another encoding"),
    ("UTF-7 declared", b"<?xml version='1.0' encoding='UTF-7'?><MHSDS/>", 3, "another encoding"),
    ("Latin-1 bytes", TOP.encode() + b"<MHS001MPI><Postcode>\xe9</Postcode>", 3, "not UTF-8"),
    ("overlong UTF-8", TOP.encode() + b"<MHS001MPI><Postcode>\xc0\xaf</Postcode>", 3, "not UTF-8"),
    ("a surrogate", TOP.encode() + b"<MHS001MPI><Postcode>\xed\xa0\x80</Postcode>", 3, "not UTF-8"),
    ("a NUL", TOP.encode() + b"<MHS001MPI><Postcode>\0</Postcode>", 3, "a NUL"),
    ("NUL by reference", xml("<MHS001MPI><Postcode>&#0;</Postcode></MHS001MPI>"), 3, "XML forbids"),
    ("control by reference", xml("<MHS001MPI><Postcode>&#1;</Postcode></MHS001MPI>"), 3, "XML forbids"),
    ("billion laughs", bomb("laughs"), 3, DOCTYPE),
    ("quadratic bomb", bomb("quadratic"), 3, DOCTYPE + "|longer than any may be"),
    ("external entity", b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><MHSDS>&a;</MHSDS>', 3, DOCTYPE),
    ("external DTD", b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><MHSDS/>', 3, DOCTYPE),
    ("parameter entity", b'<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd">%a;]><MHSDS/>', 3, DOCTYPE),
    ("bare DOCTYPE", b"<!DOCTYPE MHSDS><MHSDS/>", 3, DOCTYPE),
    ("DOCTYPE cut off", b"<!DOCTYPE MHSDS [", 3, DOCTYPE + "|cut off"),
    ("undefined entity", xml("<MHS001MPI><Postcode>&secret;</Postcode></MHS001MPI>"), 3, "entity"),
    ("depth 100,000", TOP.encode() + b"<a>" * 100000, 3, "table|holds an element"),
    ("depth in a value", xml("<MHS001MPI><Postcode>" + "<a>" * 100000), 3, "a value holds an element"),
    ("attribute of 20 MB", b'<MHSDS xmlns="' + b"x" * 20_000_000 + b'"/>', 3, "longer than any may be"),
    ("tag name of 20 MB", TOP.encode() + b"<" + b"M" * 20_000_000 + b"/>", 3, "longer than any may be"),
    ("value of 20 MB", TOP.encode() + b"<MHS001MPI><Postcode>" + b"x" * 20_000_000, 3, "longer than"),
    ("value of 65 KiB", xml("<MHS001MPI><Postcode>" + "x" * 66560 + "</Postcode></MHS001MPI>"), 3, "longer than 65536"),
    ("10,000 attributes", TOP.encode() + b"<MHS001MPI " + b"".join(b'a%d="1" ' % i for i in range(10000)), 3, "longer than any may be"),
    ("attribute on a row", xml(f'<MHS001MPI id="{SECRET}"/>'), 3, "an attribute where none may be"),
    ("attribute twice", xml('<MHS001MPI a="1" a="2"/>'), 3, "attribute"),
    ("schema location", b'<MHSDS xmlns="urn:mhsflow:mhsds:6.0" version="6.0" '
     b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x http://127.0.0.1:9/x"/>', 1, "MHSREJ003"),
    ("XInclude", xml('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'), 3, "attribute|namespace"),
    ("stylesheet", b'<?xml-stylesheet href="http://127.0.0.1:9/"?><MHSDS/>', 3, "processing instruction"),
    ("a comment", xml(f"<!-- {SECRET} -->"), 3, "a comment"),
    ("text between rows", xml(SECRET), 3, "text that is in no element"),
    ("cut off in a tag", TOP.encode() + b"<MHS001MPI><Post", 3, "cut off"),
    ("cut off in a row", TOP.encode() + f"<MHS001MPI><Postcode>{SECRET}".encode(), 3, "cut off"),
    ("wrong end tag", xml("<MHS001MPI></MHS002GP>"), 3, "does not match"),
    ("two roots", (TOP + END + "<a/>").encode(), 3, "after its end"),
    ("another namespace", b'<MHSDS xmlns="http://example.org/" version="6.0"/>', 3, "the root element is not"),
    ("no namespace", b'<MHSDS version="6.0"/>', 3, "the root element is not"),
    ("another version", b'<MHSDS xmlns="urn:mhsflow:mhsds:6.0" version="5.0"/>', 3, "not of version 6.0"),
    ("another root", b'<x xmlns="urn:mhsflow:mhsds:6.0" version="6.0"/>', 3, "the root element is not"),
    ("an unknown table", xml(f"<{SECRET}><a/></{SECRET}>"), 1, STRUCTURE),
    ("an unknown element", xml(f"<MHS001MPI><{SECRET}>1</{SECRET}></MHS001MPI>"), 1, STRUCTURE),
    ("an element twice", xml("<MHS001MPI><Gender>1</Gender><Gender>2</Gender></MHS001MPI>"), 1, STRUCTURE),
    ("tables out of order", xml("<MHS101Referral/><MHS001MPI/>"), 1, STRUCTURE),
    ("20,000 unknown elements", xml("<MHS001MPI>" + f"<{SECRET}/>" * 20000 + "</MHS001MPI>"), 1, STRUCTURE),
    ("markup in CDATA", xml(f"<MHS001MPI><Postcode><![CDATA[<{SECRET}>]]></Postcode></MHS001MPI>"), 1, "MHS00169"),
    ("a gzip file", zlib.compress(b"<MHSDS/>"), 3, "no XML in UTF-8|empty, cut off"),
    ("a zip file", b"PK\x03\x04" + b"\0" * 100, 3, "no XML in UTF-8"),
    ("an Access file", b"\0\1\0\0Standard ACE DB\0", 3, "not UTF-8"),
    ("a random file", random.Random(1).randbytes(100000), 3, "."),
]

# ---- Hostile folders: name, {file: bytes} or a function on the folder, exit code, message ----

GP = "MHS002GP.csv"
HEAD = b"LocalPatientID,GMPReg,StartDateGMPRegistration,EndDateGMPRegistration\n"


def fifo(path):
    os.mkfifo(os.path.join(path, GP))


def folder_as_table(path):
    os.mkdir(os.path.join(path, GP))


def endless(path):
    os.symlink("/dev/zero", os.path.join(path, GP))


def unreadable_link(path):
    os.symlink("/nonexistent", os.path.join(path, GP))


def other_file(path):
    os.symlink("/etc/passwd", os.path.join(path, GP))


def many_files(path):
    for i in range(5000):
        open(os.path.join(path, f"{i}.csv"), "w", encoding="utf-8").close()


FOLDERS = [
    ("no files", {}, 1, "is missing"),
    ("an empty table", {GP: b""}, 3, "the file is empty"),
    ("a table of one NUL", {GP: b"\0"}, 3, "a NUL byte"),
    ("a NUL in a value", {GP: HEAD + b"P1,\0,,\n"}, 3, ":2: field 2: a NUL"),
    ("Latin-1", {GP: HEAD + b"P\xe9,V81999,,\n"}, 3, "not valid UTF-8"),
    ("UTF-16", {GP: HEAD.decode().encode("utf-16")}, 3, "NUL|UTF-8"),
    ("an open quote", {GP: HEAD + f'"{SECRET},V81999,,\n'.encode()}, 3, "ends inside quotes"),
    ("a quote in a value", {GP: HEAD + f'P"{SECRET}",V,,\n'.encode()}, 3, "a quote inside"),
    ("text after a quote", {GP: HEAD + f'"P"{SECRET},V,,\n'.encode()}, 3, "after the closing quote"),
    ("a lone carriage return", {GP: HEAD + b"P1,V81999\r,,\n"}, 3, "carriage return"),
    ("a value of 1 MB", {GP: HEAD + b"x" * 1_000_000 + b",V,,\n"}, 3, "longer than 64 KiB"),
    ("a quoted value of 20 MB", {GP: HEAD + b'"' + b"x" * 20_000_000 + b'",V,,\n'}, 3, "longer than 64 KiB"),
    ("10,000 columns", {GP: b",".join(b"c%d" % i for i in range(10000)) + b"\n"}, 3, "1024 columns"),
    ("a column twice", {GP: b"LocalPatientID,LocalPatientID\n"}, 3, "the name of column 1"),
    ("a short row", {GP: HEAD + f"{SECRET}\n".encode()}, 3, "the row has 1 fields"),
    ("a long row", {GP: HEAD + f"{SECRET},V,,,,,\n".encode()}, 3, "fields"),
    ("no header", {GP: f"P1,{SECRET},2026-04-01,\n".encode()}, 1, STRUCTURE),
    ("terminal codes in the header", {GP: b"LocalPatientID,\x1b[2J\x1b]0;x\x07\n"}, 3, "not valid UTF-8"),
    ("a misspelt column", {GP: HEAD.replace(b"GMPReg,", b"GMPRegs,")}, 1, "did you mean GMPReg"),
    ("a misspelt table", {"MHS002GPs.csv": HEAD}, 1, "did you mean MHS002GP.csv"),
    ("an unknown table", {f"{SECRET}.csv": HEAD}, 1, STRUCTURE),
    ("another case", {"mhs002gp.csv": HEAD}, 1, "did you mean MHS002GP.csv"),
    ("a pipe", fifo, 3, "is not a file"),
    ("a folder as table", folder_as_table, 3, "is not a file"),
    ("an endless file", endless, 3, "is not a file"),
    ("a link to nowhere", unreadable_link, 3, "could not open"),
    ("a link to another file", other_file, 3, "the row has"),
    ("5,000 files", many_files, 3, "more than 4096 files"),
    ("20,000 bad rows", {GP: HEAD + b"P1,V,x,y\n" * 20000}, 1, "MHS002"),
]


def judge(results, name, run, code, message):
    text = run.out + run.err
    costs = f"{run.cpu * 1000:.0f} ms, {run.memory // 1024} MB"
    results.check(run.code == code and re.search(message, text), f"{name}: says what is wrong ({costs})",
                  f"exit {run.code}, wanted {code} and /{message}/\n{text}")
    if SECRET in text or "\x1b" in text or "root:" in text:
        results.check(False, f"{name}: repeats what stands in the file", text)
    if LIMITS and (run.cpu > CPU_SECONDS or run.memory > MEMORY_KIB):
        again = min((validate(run.path) for _ in range(3)), key=lambda r: r.cpu)  # a busy machine is no proof
        results.check(again.cpu <= CPU_SECONDS and again.memory <= MEMORY_KIB, f"{name}: costs too much",
                      f"{again.cpu * 1000:.0f} ms, {again.memory} KiB")


def hostile(results, place):
    for i, (name, content, code, message) in enumerate(DOCUMENTS):
        path = os.path.join(place, f"{i}.xml")
        with open(path, "wb") as file:
            file.write(content)
        run = validate(path)
        run.path = path
        judge(results, f"document, {name}", run, code, message)
        os.unlink(path)
    for i, (name, content, code, message) in enumerate(FOLDERS):
        path = os.path.join(place, f"folder{i}")
        os.mkdir(path)
        if callable(content):
            content(path)
        else:
            for file, data in content.items():
                with open(os.path.join(path, file), "wb") as out:
                    out.write(data)
        run = validate(path, *(["--partial"] if content else []))
        run.path = path
        judge(results, f"folder, {name}", run, code, message)
        shutil.rmtree(path)
    for name, path, message in (("nothing there", "/nonexistent/x", "could not open"),
                                ("a device", "/dev/zero", "is not a file")):
        run = validate(path)
        run.path = path
        judge(results, f"path, {name}", run, 3, message)
    print(f"# {len(DOCUMENTS) + len(FOLDERS) + 2} hostile files")


# ---- Months ----

def spoiled(seed):
    """A month with random faults: blanked, mistyped, doubled and orphaned rows."""
    chance = random.Random(seed)
    rows = made_up.month(people=8)
    for table in sorted(rows):
        if table == "MHS000Header":
            continue
        for row in rows[table]:
            if chance.random() < 0.15:
                row[chance.choice(sorted(row))] = chance.choice(["", "X", "2026-05-03", "31/04/2026", "Z9"])
        if chance.random() < 0.3:
            rows[table].append(dict(chance.choice(rows[table])))
    return rows


def put(place, name, text):
    path = os.path.join(place, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def named(findings, rows):
    """Findings with rows by content in place of numbers: what a shuffle must not change."""
    def content(table, number):
        return json.dumps(rows[table][number - 1], sort_keys=True) if table and number else ""
    return sorted((f["rule"], f["table"] or "", content(f["table"], f["row"]), f["element"] or "",
                   (f["caused_by"] or {}).get("rule", "")) for f in findings)


def properties(results, place):
    clean = made_up.month()
    folder = os.path.join(place, "clean")
    PACK.folder(clean, folder)
    document = put(place, "clean.xml", PACK.document(clean))
    for path in folder, document:
        run = validate(path, "--json")
        results.check(run.code == 0 and not run.out, f"a clean month is clean ({os.path.basename(path)})", run.out + run.err)
    if shutil.which("xmllint"):
        schema = os.path.join(SOURCE, "mappings/mhsds-6.0/mhsds-6.0.xsd")
        lint = subprocess.run(["xmllint", "--noout", "--schema", schema, document], capture_output=True, text=True, check=False)
        results.check(lint.returncode == 0, "xmllint finds the document valid against the schema", lint.stderr)
    else:
        results.skip("xmllint finds the document valid against the schema", "xmllint is not installed")
    same = shuffled = shrunk = 0
    seeds = range(1, 9)
    for seed in seeds:
        rows = spoiled(seed)
        folder = os.path.join(place, f"spoiled{seed}")
        PACK.folder(rows, folder)
        here = validate(put(place, "a.xml", PACK.document(rows)), "--json").findings()
        there = validate(folder, "--json").findings()
        same += here == there and bool(here)
        mixed = {table: random.Random(seed).sample(some, len(some)) for table, some in rows.items()}
        after = validate(put(place, "b.xml", PACK.document(mixed)), "--json").findings()
        shuffled += named(here, rows) == named(after, mixed)
        shrunk += removal_adds_nothing(place, rows, here)
    results.check(same == len(seeds), f"a document and a folder of the same rows have the same findings ({len(seeds)} months)", same)
    results.check(shuffled == len(seeds), f"the order of rows does not change the findings ({len(seeds)} months)", shuffled)
    results.check(shrunk == len(seeds), f"without the rejected people their findings are gone and none is new ({len(seeds)} months)", shrunk)


def person_of(rows):
    """Which person each row belongs to, by the ids that tables share."""
    referral = {r.get("ServiceRequestID"): r.get("LocalPatientID") for r in rows["MHS101Referral"]}
    contact = {r.get("CareContactID"): referral.get(r.get("ServiceRequestID")) for r in rows["MHS201CareContact"]}
    act = {r.get("CareActID"): contact.get(r.get("CareContactID")) for r in rows["MHS202CareActivity"]}
    def person(row):
        return (row.get("LocalPatientID") or referral.get(row.get("ServiceRequestID")) or
                contact.get(row.get("CareContactID")) or act.get(row.get("CareActID")))
    return person


def removal_adds_nothing(place, rows, findings):
    """Take out whoever has a rejected row; what is left has no finding that was not there before."""
    person = person_of(rows)
    alone = {"MHS000Header", "MHS901StaffDetails", "MHS902ServiceTeamDetails"}
    gone = {None}
    for finding in findings:
        if finding["row"] and finding["table"] not in alone and "rejected" in finding["severity"]:
            gone.add(person(rows[finding["table"]][finding["row"] - 1]))
    left = {table: [row for row in some if table in alone or person(row) not in gone]
            for table, some in rows.items()}
    after = validate(put(place, "c.xml", PACK.document(left)), "--json").findings()
    new = [f for f in named(after, left) if f not in named(findings, rows)]
    # An empty file has findings of its own, which no person has.
    return all(f[0].startswith("MHSREJ") and not left["MHS001MPI"] for f in new)


def output(results, place):
    rows = made_up.month()
    rows["MHS001MPI"][0]["Postcode"] = "=" + SECRET
    rows["MHS101Referral"][1]["OrgIDComm"] = ""
    path = put(place, "one.xml", PACK.document(rows))
    found = validate(path, "--json")
    codes = {f["rule"] for f in found.findings()}
    results.check(found.code == 1 and {"MHS00169", "MHS10108"} <= codes, "findings have the national codes", codes)
    cause = [f for f in found.findings() if f["rule"] == "MHS20103" or f["caused_by"]]
    results.check(any(f["caused_by"]["rule"] == "MHS10108" and f["table"] == "MHS201CareContact" for f in cause if f["caused_by"]),
                  "a consequence names its cause", cause)
    people, shown = validate(path), validate(path, "--show-values")
    results.check(SECRET not in people.out + found.out, "values are not shown unasked")
    results.check(SECRET in shown.out, "values are shown when asked for", shown.out)
    results.check("takes with it" in people.out, "people see what a cause takes with it", people.out)
    table = list(csv.DictReader(io.StringIO(validate(path, "--csv", "--show-values").out)))
    results.check(len(table) == len(found.findings()), "the fix list has a line for each finding", len(table))
    results.check(any(row["value"].startswith("'=") for row in table), "the fix list cannot start a formula", table)
    part = os.path.join(place, "part")
    os.mkdir(part)
    with open(os.path.join(part, GP), "wb") as file:
        file.write(HEAD + b"P1,V81999,,\n")
    run = validate(part, "--partial")
    results.check(run.code == 0 and "a part of a file" in run.out, "part of a file is judged as a part", run.out)
    run = validate(part)
    results.check(run.code == 1 and STRUCTURE in run.out, "a missing table is a finding", run.out)
    for wrong in (["--period", "2026-13"], ["--provider", "A"], ["--submitted-at", "noon"]):
        options = [o for i, o in enumerate(COMMON) if wrong[0] not in (o, COMMON[i - 1])]
        run = Run("validate", path, *options, *wrong)
        results.check(run.code == 2, f"wrong usage is told: {' '.join(wrong)}", run.err)


def dataset(results, place):
    pack = COMMON[-2:]
    one = json.loads(Run("dataset", "list", "--json", *pack).out)
    results.check((one["tables"], one["elements"], one["rules"]) == (61, 439, 1157), "the data set is whole", one)
    results.check(one["rules_checked"] + len(one["not_checked"]) == one["rules"] and all(n["why"] for n in one["not_checked"]),
                  "each rule is checked or says why not", one)
    reference = put(place, "reference.csv", "kind,code,from,to\norganisation,AB123,,\nsite,AB123,,\npractice,V1,,\n"
                    "school,S1,,\npostcode,ZZ99 3CZ,,\n")
    full = json.loads(Run("dataset", "list", "--json", "--reference", reference, *pack).out)
    results.check(len(full["not_checked"]) == 5, "with reference data five rules are left", full["not_checked"])
    schema = Run("dataset", "xsd", *pack).out
    with open(os.path.join(SOURCE, "mappings/mhsds-6.0/mhsds-6.0.xsd"), encoding="utf-8") as file:
        results.check(schema == file.read(), "the schema is printed as committed")
    for thing, says in (("MHS20168", "record rejected"), ("MHS201", "CareContDate"), ("AttendStatus", "filled by"),
                        ("M201090", "AttendStatus"), ("1037651000000100", "DIALOG")):
        run = Run("dataset", "describe", thing, *pack)
        results.check(run.code == 0 and says in run.out, f"{thing} is described", run.out + run.err)
    for thing, kind, count in (("MHS20168", "rule", 1), ("MHS201", "table", 1), ("NHSNumber", "element", 2),
                               ("YesNo", "codes", 1), ("1037651000000100", "scale", 1)):
        said = Run("dataset", "describe", thing, "--json", *pack).findings()
        results.check([s["kind"] for s in said] == [kind] * count, f"{thing} is described for programs", said)
    run = Run("dataset", "describe", "AttendStatsu", *pack)
    results.check(run.code == 3 and "did you mean AttendStatus" in run.err, "a misspelt name is helped", run.err)
    cover = [json.loads(line) for line in Run("dataset", "coverage", "--json", *pack).out.splitlines()]
    silent = [f"{c['table']}.{c['element']}" for c in cover if not c["filled"] and not c["why"]]
    results.check(len(cover) == 439 and not silent, "each element is filled or says why nothing can", silent)
    filled = {(c["table"][:6], c["element"]) for c in cover if c["filled"]}
    with open(os.path.join(SOURCE, "mappings/mhsds-6.0/standard/unfilled.csv"), encoding="utf-8") as file:
        stale = [row for row in csv.DictReader(file)
                 if (row["table"], row["element"]) in filled or (not row["element"] and row["table"] in {t for t, _ in filled})]
    results.check(not stale, "no reason is given for an element that is filled", stale)


def main():
    results = Results()
    with tempfile.TemporaryDirectory(prefix="mhsflow-validate-") as place:
        Run.begin(place)
        properties(results, place)
        output(results, place)
        dataset(results, place)
        hostile(results, place)
        Run.end()
    print(f"1..{results.count}")
    return results.failed > 0


if __name__ == "__main__":
    sys.exit(main())
