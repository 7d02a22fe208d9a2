#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The national rules over a month: rows per second and memory, beside libxml2's streaming XSD check of the same rows.

usage: ./tests/bench/run dataset [--rows N …]   (default 35000 and 1000000)

A clean made-up month is written as a folder of CSV tables and as our XML document;
`mhsflow validate` runs over both, and xmllint --stream --schema over the document.
Then a month of as many rows is built from PostgreSQL (tests/component/test_build_large.c:
four rows a person; peak is what building adds).
"""
import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PACK = os.path.join(SOURCE, "mappings", "mhsds-6.0")
CONTACTS = 4  # each with an activity: 3 + 2 * CONTACTS rows a person


def nhs_number(index):
    """The index-th number of the 999 range with a right check digit, and the next index to ask for."""
    while True:
        digits = f"999{index:06d}"
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits)) % 11
        index += 1
        if check != 10:
            return digits + str(check % 11), index


def rows_of(people):
    """(table, {element: value}) in the order of the tables."""
    yield "MHS000Header", {"DatSetVer": "6.0", "OrgIDProvider": "V9X01", "OrgIDSubmit": "V9X01", "PrimSystemInUse": "BENCH",
                           "ReportingPeriodStartDate": "2026-10-01", "ReportingPeriodEndDate": "2026-10-31",
                           "DateTimeDatSetCreate": "2026-11-02T10:00:00"}
    index = 0
    for i in range(people):
        number, index = nhs_number(index)
        yield "MHS001MPI", {"LocalPatientID": f"P{i}", "OrgIDLocalPatientID": "V9X01", "NHSNumber": number,
                            "NHSNumberStatus": "01", "PersonBirthDate": "1980-05-17", "Postcode": "ZZ99 3WZ",
                            "GenderIDCode": "1", "EthnicCategory": "A", "LanguageCodePreferred": "en"}
    for i in range(people):
        yield "MHS002GP", {"LocalPatientID": f"P{i}", "GMPReg": "V81999", "StartDateGMPRegistration": "2020-01-01"}
    for i in range(people):
        yield "MHS101Referral", {"ServiceRequestID": f"R{i}", "LocalPatientID": f"P{i}", "OrgIDComm": "36J",
                                 "CareProfTeamLocalID": "T1", "ReferralRequestReceivedDate": "2026-09-01",
                                 "SourceOfReferralMH": "A1"}
    for i in range(people * CONTACTS):
        yield "MHS201CareContact", {"CareContactID": f"C{i}", "ServiceRequestID": f"R{i // CONTACTS}",
                                    "CareContDate": f"2026-10-{i % 28 + 1:02d}", "CareContTime": "10:30:00",
                                    "AttendStatus": "5", "ConsMechanismMH": "01"}
    for i in range(people * CONTACTS):
        yield "MHS202CareActivity", {"CareActID": f"A{i}", "CareContactID": f"C{i}"}
    yield "MHS902ServiceTeamDetails", {"CareProfTeamLocalID": "T1", "OrgIDCareProfTeamLocalID": "V9X01",
                                       "ServTeamTypeMH": "A06", "ServTeamIntAgeGroup": "02"}


def tables():
    """Every table's elements in order, read from the schema, so that this file needs no second list."""
    order = {}
    table = None
    with open(os.path.join(PACK, "mhsds-6.0.xsd"), encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if '<xs:complexType name="MHS' in line:
                table = line.split('name="')[1].split('"')[0]
                order[table] = []
            elif line == "</xs:complexType>":
                table = None
            elif table and '<xs:element name="' in line:
                order[table].append(line.split('name="')[1].split('"')[0])
    return order


def write_month(folder, document, people):
    order = tables()
    files, writers, count = {}, {}, 0
    for table, elements in order.items():
        files[table] = open(os.path.join(folder, table + ".csv"), "w", encoding="utf-8", newline="")
        writers[table] = csv.writer(files[table], lineterminator="\n")
        writers[table].writerow(elements)
    with open(document, "w", encoding="utf-8") as xml:
        xml.write('<?xml version="1.0" encoding="UTF-8"?>\n<MHSDS xmlns="urn:mhsflow:mhsds:6.0" version="6.0">\n')
        for table, row in rows_of(people):
            writers[table].writerow([row.get(element, "") for element in order[table]])
            xml.write(f"<{table}>" + "".join(f"<{e}>{row[e]}</{e}>" for e in order[table] if e in row) + f"</{table}>\n")
            count += 1
        xml.write("</MHSDS>\n")
    for file in files.values():
        file.close()
    return count


def timed(command):
    """Seconds, peak resident MB, exit code, end of the output."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - started, usage.ru_maxrss / 1024, process.returncode, output[-1500:]


def built(build, rows):
    """Seconds and added MB of building a month of so many rows; None when it did not work."""
    done = subprocess.run([os.path.join(os.path.realpath(build), "tests/component/test_build_large")], capture_output=True,
                          text=True, check=False, env={**os.environ, "MHSFLOW_PEOPLE": str(rows // 4), "CK_DEFAULT_TIMEOUT": "1200",
                                                       "CK_TIMEOUT_MULTIPLIER": "20", "MHSFLOW_SOURCE_ROOT": SOURCE})
    figures = re.findall(r"# a month of (\d+) rows: (\d+) KiB more at the peak, ([0-9.]+) s, (\d+) rows/s", done.stderr)
    return figures[-1] if done.returncode == 0 and figures else None


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--rows", type=int, nargs="+", default=[35000, 1000000])
    options = options.parse_args()
    mhsflow = os.path.join(os.path.realpath(options.build), "daemon/commands/mhsflow")
    print(f"{'rows':>10} {'what':<34} {'seconds':>9} {'rows/s':>10} {'peak MB':>8} {'x bare':>7}")
    for rows in options.rows:
        folder = tempfile.mkdtemp(prefix="mhsflow-bench-")
        try:
            month, document = os.path.join(folder, "month"), os.path.join(folder, "month.xml")
            os.mkdir(month)
            count = write_month(month, document, max(1, rows // (3 + 2 * CONTACTS)))
            xsd = os.path.join(PACK, "mhsds-6.0.xsd")
            bare = timed(["xmllint", "--noout", "--stream", "--schema", xsd, document])
            about = ["--period", "2026-10", "--provider", "V9X01", "--submitted-at", "2026-11-03T10:00:00", "--dataset", PACK]
            runs = [("xmllint --stream --schema (bare)", bare),
                    ("mhsflow validate, XML", timed([mhsflow, "validate", document, *about])),
                    ("mhsflow validate, CSV folder", timed([mhsflow, "validate", month, *about]))]
            for what, (seconds, peak, code, output) in runs:
                print(f"{count:>10,} {what:<34} {seconds:>9.2f} {count / seconds:>10,.0f} {peak:>8.1f} {seconds / bare[0]:>7.2f}")
                if code:
                    print(f"  exit {code}: {output}")
            figures = built(options.build, rows)
            if figures:
                count, kib, _, speed = (float(figure) for figure in figures)
                print(f"{int(count):>10,} {'build, from PostgreSQL':<34} {count / speed:>9.2f} {speed:>10,.0f} {kib / 1024:>8.1f} {'':>7}")
            else:
                print("           the build did not work")
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
