# SPDX-License-Identifier: Apache-2.0
"""A small made-up provider month that no national rule rejects, as a folder of tables or a document.

People are made up: NHS numbers of the 999 range, postcodes that cannot exist.
"""
import csv
import os
from xml.sax.saxutils import escape

PERIOD, PROVIDER, UPLOADED = "2026-04", "AB123", "2026-05-12T10:00:00"


def nhs_number(index):
    """The index-th valid number of the 999 range."""
    while True:
        nine = f"999{index:06d}"
        check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(nine)) % 11
        if check != 10:
            return nine + str(0 if check == 11 else check)
        index += 400000  # this one has no check digit; nobody else comes so far


def month(people=3):
    """Rows by table: {"MHS001MPI": [{"LocalPatientID": …}, …], …}."""
    rows = {
        "MHS000Header": [{
            "DatSetVer": "6.0", "OrgIDProvider": PROVIDER, "OrgIDSubmit": PROVIDER,
            "PrimSystemInUse": "made-up", "ReportingPeriodStartDate": "2026-04-01",
            "ReportingPeriodEndDate": "2026-04-30", "DateTimeDatSetCreate": "2026-05-10T09:00:00"}],
        "MHS901StaffDetails": [{"CareProfLocalID": "W1", "OrgIDCareProfLocalID": PROVIDER}],
        "MHS902ServiceTeamDetails": [{
            "CareProfTeamLocalID": "T1", "OrgIDCareProfTeamLocalID": PROVIDER,
            "ServTeamTypeMH": "A06", "ServTeamIntAgeGroup": "02"}],
    }
    for i in range(1, people + 1):
        person, referral, contact, act = f"P{i}", f"R{i}", f"C{i}", f"A{i}"
        for table, row in (
            ("MHS001MPI", {
                "LocalPatientID": person, "OrgIDLocalPatientID": PROVIDER,
                "NHSNumber": nhs_number(i), "NHSNumberStatus": "01",
                "PersonBirthDate": f"19{60 + i % 40}-06-15", "Postcode": "ZZ99 3CZ",
                "GenderIDCode": "2", "Gender": "2", "EthnicCategory": "A"}),
            ("MHS002GP", {"LocalPatientID": person, "GMPReg": "V81999"}),
            ("MHS101Referral", {
                "ServiceRequestID": referral, "LocalPatientID": person, "OrgIDComm": "QWO",
                "CareProfTeamLocalID": "T1", "ReferralRequestReceivedDate": "2026-03-02",
                "SourceOfReferralMH": "B1", "PrimReasonReferralMH": "05"}),
            ("MHS201CareContact", {
                "CareContactID": contact, "ServiceRequestID": referral,
                "CareContDate": f"2026-04-{1 + i % 28:02d}", "CareContTime": "10:30:00",
                "OrgIDComm": "QWO", "ClinContDurOfCareCont": "45", "CareContSubj": "01",
                "ConsMechanismMH": "01", "AttendStatus": "5"}),
            ("MHS202CareActivity", {
                "CareActID": act, "CareContactID": contact, "ClinContactDurOfCareAct": "45"}),
            ("MHS206StaffActivity", {"CareActID": act, "CareProfLocalID": "W1"}),
            ("MHS607CodedScoreAssessmentAct", {
                "CareActID": act, "CodedAssToolType": "1091071000000100", "PersScore": str(i % 40)}),
        ):
            rows.setdefault(table, []).append(row)
    return rows


class Pack:
    """Tables and elements in order, as the pack says."""

    def __init__(self, source):
        self.tables = {}
        table = None
        with open(os.path.join(source, "mappings/mhsds-6.0/dataset.yaml"), encoding="utf-8") as file:
            for line in file:
                words = line.split()
                if line.startswith("    name: "):
                    table = self.tables.setdefault(words[1], [])
                elif line.startswith("      - {name: "):
                    table.append(words[2].rstrip(","))

    def folder(self, rows, path):
        os.makedirs(path)
        for table, elements in self.tables.items():
            with open(os.path.join(path, table + ".csv"), "w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(elements)
                for row in rows.get(table, []):
                    writer.writerow([row.get(element, "") for element in elements])

    def document(self, rows):
        lines = ['<?xml version="1.0" encoding="UTF-8"?>\n'
                 '<MHSDS xmlns="urn:mhsflow:mhsds:6.0" version="6.0">\n']
        for table, elements in self.tables.items():
            for row in rows.get(table, []):
                inside = "".join(f"<{e}>{escape(row[e])}</{e}>" for e in elements if row.get(e))
                lines.append(f"<{table}>{inside}</{table}>\n")
        return "".join(lines) + "</MHSDS>\n"
