# SPDX-License-Identifier: Apache-2.0
"""Drives the built sandbox from outside, as the daemon would, and holds it to its contract. TAP."""
import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from client import COMPONENTS, Sandbox, document

PROGRAM = sys.argv[1]
tests = []


def test(function):
    tests.append(function)
    return function


def page(body):
    lines = [json.loads(line) for line in body.decode().splitlines()]
    trailer = lines.pop()["_page"]
    assert trailer["count"] == len(lines)
    return lines, trailer


def walk(box, path, limit=1000):
    """Every line behind a path, page by page; the last trailer."""
    lines, cursor = [], ""
    while True:
        status, _, body = box.feed("%s?limit=%d&cursor=%s" % (path, limit, cursor))
        assert status == 200, body
        more, trailer = page(body)
        lines += more
        cursor = trailer["next_cursor"]
        if not trailer["has_more"]:
            return lines, trailer


def fold(lines):
    state = {}
    for line in lines:
        if line["op"] == "upsert":
            state[line["type"], line["id"]] = line
        elif line["op"] == "delete":
            state.pop((line["type"], line["id"]), None)
        else:
            for merged in line["merge"]["merged"]:
                state.pop((line["type"], merged), None)
    return state


@test
def feed_needs_its_token(box):
    assert box.feed("/changes", Authorization="Bearer wrong")[0] == 401
    assert box.feed("/health", Authorization="")[0] == 200


@test
def changes_folded_are_the_snapshot(box):
    changes, _ = walk(box, "/changes")
    assert [line["seq"] for line in changes] == sorted({line["seq"] for line in changes})
    _, _, body = box.feed("/manifest")
    manifest = json.loads(body)
    assert changes[-1]["seq"] == manifest["head_seq"]
    state = {}
    for row in manifest["types"]:
        lines, trailer = walk(box, "/snapshot/" + row["type"], limit=77)
        assert len(lines) == row["count"] and trailer["as_of_seq"] == manifest["head_seq"]
        state.update({(line["type"], line["id"]): line for line in lines})
    assert state == fold(changes)


@test
def changes_follow_a_snapshot(box):
    _, trailer = walk(box, "/snapshot/person")
    status, heads, body = box.feed("/changes?cursor=" + trailer["next_cursor"])
    assert status == 200 and page(body)[0] == []
    again = box.feed("/changes?cursor=" + trailer["next_cursor"], If_None_Match=heads["ETag"])
    assert again[0] == 304 and again[2] == b""
    assert box.control("POST", "/reveal", {"count": 2})[0] == 200
    status, _, body = box.feed("/changes?cursor=" + trailer["next_cursor"],
                               If_None_Match=heads["ETag"])
    assert status == 200 and len(page(body)[0]) == 2


@test
def json_form_and_gzip_say_the_same(box):
    _, heads, packed = box.feed("/changes?limit=50", Accept_Encoding="gzip")
    assert heads["Content-Encoding"] == "gzip"
    lines, trailer = page(gzip.decompress(packed))
    _, heads, body = box.feed("/changes?limit=50", Accept="application/json")
    whole = json.loads(body)
    assert whole["data"] == lines and whole["page"]["next_cursor"] == trailer["next_cursor"]
    assert box.feed("/changes", Accept="text/csv")[0] == 406


@test
def cursors_are_opaque_and_bound(box):
    _, trailer = page(box.feed("/changes?limit=5&types=person")[2])
    assert trailer["next_cursor"] and box.feed(
        "/changes?types=person&cursor=" + trailer["next_cursor"])[0] == 200
    assert box.feed("/changes?types=contact&cursor=" + trailer["next_cursor"])[0] == 400
    assert box.feed("/snapshot/person?cursor=" + trailer["next_cursor"])[0] == 400
    assert box.feed("/changes?cursor=" + trailer["next_cursor"][:-1] + "A")[0] == 400


@test
def records_are_found_gone_or_unknown(box):
    status, heads, body = box.feed("/person/P0000001")
    assert status == 200 and json.loads(body)["record"]["id"] == "P0000001"
    assert box.feed("/person/P0000001", If_None_Match=heads["ETag"])[0] == 304
    assert box.feed("/person/P9999999")[0] == 404
    box.control("POST", "/reveal", {})
    changes, _ = walk(box, "/changes")
    deleted = [line for line in changes if line["op"] == "delete"][0]
    assert box.feed("/%s/%s" % (deleted["type"], deleted["id"]))[0] == 410
    merged = [line for line in changes if line["op"] == "merge"][0]["merge"]["merged"][0]
    assert box.feed("/person/" + merged)[0] == 410


@test
def digest_counts_the_snapshot(box):
    people, _ = walk(box, "/snapshot/person")
    buckets = json.loads(box.feed("/digest/person?buckets=256")[2])["buckets"]
    assert sum(bucket["count"] for bucket in buckets) == len(people)
    full = [bucket for bucket in buckets if bucket["count"]][0]
    listed = json.loads(box.feed("/digest/person?bucket=" + full["bucket"])[2])["records"]
    assert len(listed) == full["count"]


@test
def truth_agrees_with_the_feed(box):
    _, truth = box.control("GET", "/truth")
    changes, _ = walk(box, "/changes")
    state = fold(changes)
    for kind, count in truth["records"].items():
        assert count == sum(key[0] == kind for key in state), kind
    printed = json.loads(subprocess.run([PROGRAM, "truth", *OPTIONS], check=True,
                                        stdout=subprocess.PIPE).stdout)
    assert printed == truth


@test
def feed_faults_happen_as_told(box):
    def told(**rule):
        assert box.control("POST", "/fault", dict(rule, target="feed", times=1))[0] == 200

    told(action="status", status=429, retry_after="7", path="GET /changes")
    assert box.feed("/manifest")[0] == 200
    status, heads, _ = box.feed("/changes")
    assert status == 429 and heads["Retry-After"] == "7"
    told(action="drop_trailer")
    assert b"_page" not in box.feed("/changes")[2]
    told(action="wrong_count")
    lines = box.feed("/changes?limit=3")[2].splitlines()
    assert json.loads(lines[-1])["_page"]["count"] != len(lines) - 1
    told(action="bad_gzip")
    try:
        gzip.decompress(box.feed("/changes", Accept_Encoding="gzip")[2])
        raise AssertionError("the gzip is good")
    except (OSError, EOFError, Exception) as error:
        assert not isinstance(error, AssertionError)
    told(action="garbage")
    assert box.feed("/changes")[1]["Content-Type"] == "text/html"
    told(action="truncate", after_bytes=100)
    try:
        box.feed("/changes")
        raise AssertionError("the page is whole")
    except (http.client.IncompleteRead, OSError):
        pass
    told(action="reset")
    try:
        box.feed("/changes")
        raise AssertionError("there was an answer")
    except (OSError, http.client.HTTPException):
        pass
    assert box.feed("/changes")[0] == 200
    assert box.control("POST", "/fault", {"target": "feed", "action": "sulk"})[0] == 400
    assert box.control("DELETE", "/fault")[1] == {"faults": 0}


@test
def restore_changes_the_epoch_and_expiry_ends_cursors(box):
    _, trailer = page(box.feed("/changes?limit=5")[2])
    box.control("POST", "/expire", {"count": 50})
    status, _, body = box.feed("/changes?cursor=" + trailer["next_cursor"])
    assert status == 410 and json.loads(body)["code"] == "cursor_expired"
    _, trailer = page(box.feed("/changes?limit=5")[2])
    box.control("POST", "/epoch", {"lose": 3})
    status, _, body = box.feed("/changes?cursor=" + trailer["next_cursor"])
    assert status == 409 and json.loads(body)["code"] == "epoch_changed"


@test
def a_signed_document_is_accepted_once(box):
    key, (status, _, body) = box.submit(document())
    assert status == 201 and body["status"] == "accepted", body
    _, (again, _, same) = box.submit(document())
    assert again == 201 and same == body
    assert box.question(key)[2] == body
    assert box.question("0" * 64)[0] == 404
    state = box.control("GET", "/state")[1]["receiver"]
    assert state["accepted"] == 1 and state["duplicates"] == 1
    name = box.state + "/accepted/V9X01-2026-08-r1"
    box.openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", name + ".p7s", "-content",
                name + ".xml", "-CAfile", box.key + "/signing.crt", "-purpose", "any", data=b"")
    with open(name + ".xml", "rb") as file:
        assert file.read() == document()


@test
def unproven_requests_are_refused(box):
    def refused(expected, **how):
        _, (status, _, body) = box.submit(document(people=3), revision=9, **how)
        assert status == expected, (status, body)

    refused(401, created=1)
    refused(401, tag="other")
    for name in COMPONENTS:
        refused(401, uncovered=name)
    other = box.folder + "/other"
    if not os.path.exists(other):
        subprocess.run([PROGRAM, "make-sender-key", "--out", other], check=True)
    refused(401, cms_key=other)
    refused(400, spoil=lambda heads: heads.update({"Submission-Provider": "../x"}))
    refused(400, spoil=lambda heads: heads.update(
        {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}))
    refused(401, spoil=lambda heads: heads.update({"Document-Signature": ":AAAA:"}))
    refused(415, spoil=lambda heads: heads.update({"Content-Type": "text/xml"}))
    body, heads = box.last
    heads = dict(heads, **{"Content-Type": "application/xml"})
    assert box.receiver("POST", "/submissions", body, heads)[0] == 401
    _, (status, _, _) = box.submit(document(people=3), revision=9)
    assert status == 201
    body, heads = box.last
    assert box.receiver("POST", "/submissions", body, heads)[0] == 401, "the nonce was taken twice"
    path = "/submissions/" + "0" * 64
    assert box.receiver("GET", path)[0] == 401


@test
def bad_documents_are_refused_with_findings(box):
    def rules(text, **how):
        _, (status, _, body) = box.submit(text, period="2026-09", **how)
        assert status == 422 and body["status"] == "rejected", body
        findings[:] = body["findings"]
        return {finding["rule"] for finding in body["findings"]}

    findings = []

    good = document(period="2026-09")
    assert "MSR-PROVIDER" in rules(document(provider="V9X02", period="2026-09"))
    assert "MSR-PERIOD" in rules(document(period="2026-10"))
    assert "MSR-XML" in rules(good[:-5])
    assert "MSR-XML" in rules(good.replace(b"?>", b'?><!DOCTYPE x [<!ENTITY a "b">]>', 1))
    assert "MSR-XML" in rules(good.replace(b"X0", b"&x;"))
    assert "MSR-XML" in rules(good.replace(b"<MHS001MPI>", b"<?x y?><MHS001MPI>"))
    assert "MSR-XML" in rules(good.replace(b'encoding="UTF-8"', b'encoding="UTF-7"'))
    assert "MSR-TEXT" in rules(good.replace(b"<MHS001MPI>", b"x<MHS001MPI>"))
    assert "MSR-NESTING" in rules(good.replace(b"X0", b"<X/>"))
    assert "MSR-ATTRIBUTE" in rules(good.replace(b"<MHS001MPI>", b'<MHS001MPI a="b">'))
    assert "MSR-ROOT" in rules(good.replace(b'version="6.0">', b'version="5.0">'))
    assert "XSD" in rules(good.replace(b"LocalPatientID", b"Unknown"))
    assert findings[0] == {"rule": "XSD", "table": "MHS001MPI", "row": 1, "element": "Unknown"}
    assert "XSD" in rules(document(period="2026-09", people=3).replace(
        b"<LocalPatientID>X1</LocalPatientID>", b""))
    assert findings == [{"rule": "XSD", "table": "MHS001MPI", "row": 2, "element": ""}]
    assert "MSR-HEADER-ONCE" in rules(
        good.replace(b"</MHS000Header>", b"</MHS000Header><MHS000Header></MHS000Header>"))


@test
def an_older_revision_never_overwrites_a_newer(box):
    assert box.submit(document("V9X02"), provider="V9X02", revision=3)[1][0] == 201
    _, (status, _, body) = box.submit(document("V9X02", people=2), provider="V9X02", revision=2)
    assert status == 409 and body["code"] == "superseded"
    assert box.submit(document("V9X02"), provider="V9X02", revision=4)[1][0] == 201


@test
def receiver_faults_happen_as_told(box):
    def told(**rule):
        assert box.control("POST", "/fault", dict(rule, target="receiver", times=1,
                                                  path="POST /submissions"))[0] == 200

    text = document("V9X02", "2026-10")
    told(action="lose_answer")
    try:
        box.submit(text, provider="V9X02", period="2026-10")
        raise AssertionError("there was an answer")
    except (OSError, http.client.HTTPException):
        pass
    key, (status, _, _) = box.submit(text, provider="V9X02", period="2026-10")
    assert status == 201 and box.question(key)[2]["status"] == "accepted"
    told(action="pending")
    key, (status, _, body) = box.submit(text, provider="V9X02", period="2026-10", revision=2)
    assert status == 202 and box.question(key)[2]["status"] == "waiting"
    name = "V9X02-2026-10-r2.xml"
    assert name in os.listdir(box.state + "/waiting")
    assert name not in os.listdir(box.state + "/accepted")
    assert box.control("POST", "/settle", {"key": key, "status": "accepted"})[1] == {"settled": 1}
    assert box.question(key)[2] == {"status": "accepted", "reference": body["reference"]}
    assert name in os.listdir(box.state + "/accepted")
    told(action="lie_accept")
    key, (status, _, _) = box.submit(text, provider="V9X02", period="2026-10", revision=3)
    assert status == 201 and box.question(key)[0] == 404
    told(action="refuse")
    _, (status, _, body) = box.submit(text, provider="V9X02", period="2026-10", revision=4)
    assert status == 422 and body["findings"]


@test
def a_long_poll_ends_when_something_comes(box):
    box.control("POST", "/epoch", {"lose": 5})
    _, trailer = walk(box, "/snapshot/team")
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(
        box.feed("/changes?cursor=" + trailer["next_cursor"], Prefer="wait=25")))
    began = time.monotonic()
    waiting.start()
    while waiting.is_alive():
        # Revealing again and again needs no guess of when the poll has begun to wait.
        box.control("POST", "/reveal", {"count": 1})
        waiting.join(0.1)
    assert time.monotonic() - began < 20
    assert len(page(answers[0][2])[0]) >= 1


@test
def a_stall_ends_when_the_faults_do(box):
    box.control("POST", "/fault", {"target": "feed", "action": "stall", "seconds": 50})
    failures = []

    def ask():
        try:
            box.feed("/health")
        except (OSError, http.client.HTTPException) as error:
            failures.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    box.control("DELETE", "/fault")
    waiting.join(20)
    assert not waiting.is_alive() and failures


@test
def too_many_requests_are_told_to_wait(box):
    box.stop()
    plain = box.options
    box.options = (*plain, "--rate", "2")
    box.start()
    statuses = [box.feed("/manifest")[0] for _ in range(6)]
    assert statuses[0] == 200 and 429 in statuses and set(statuses) == {200, 429}, statuses
    box.stop()
    box.options = plain
    box.start()


@test
def a_key_is_decided_once_at_a_time(box):
    box.control("POST", "/fault", {"target": "receiver", "path": "POST /submissions",
                                   "action": "slow", "seconds": 50, "times": 1})
    text, answers = document(period="2026-06"), []
    first = threading.Thread(target=lambda: answers.append(box.submit(text, period="2026-06")))
    first.start()
    key = box.key_of(text, "V9X01", "2026-06", 1)
    until = time.monotonic() + 20
    while box.question(key)[0] != 409:
        assert time.monotonic() < until
    _, (status, _, body) = box.submit(text, period="2026-06")
    assert status == 409 and body["code"] == "in_progress"
    box.control("DELETE", "/fault")
    first.join(20)
    assert answers[0][1][0] == 201 and box.question(key)[2]["status"] == "accepted"


@test
def every_kind_of_key_may_sign(box):
    box.stop()
    bundle = box.folder + "/bundle.pem"
    others = [box.make_other_sender(kind) for kind in ("rsa:2048", "ed25519")]
    box.certificate = bundle
    box.start()
    text = document("V9X02", "2026-07")
    _, (status, _, body) = box.submit(text, provider="V9X02", period="2026-07")
    assert status == 403 and body["code"] == "sender_unknown"
    with open(bundle, "w", encoding="utf-8") as out:
        for folder in [box.key, *others]:
            with open(folder + "/signing.crt", encoding="utf-8") as part:
                out.write(part.read())
    for revision, box.http_key in enumerate(others, 1):
        _, (status, _, body) = box.submit(text, provider="V9X02", period="2026-07",
                                          revision=revision)
        assert status == 201, (box.http_key, body)
    # Only P-256 and RSA make a CMS signature with what Debian 12 has.
    box.http_key = box.key
    _, (status, _, body) = box.submit(text, provider="V9X02", period="2026-07", revision=3,
                                      cms_key=others[0])
    assert status == 201, body


@test
def a_killed_receiver_remembers(box):
    before = box.control("GET", "/state")[1]["receiver"]["submissions"]
    box.stop(signal.SIGKILL)
    with open(box.state + "/journal.ndjson", "a", encoding="utf-8") as file:
        file.write('{"key":"torn')
    box.start()
    assert box.control("GET", "/state")[1]["receiver"]["submissions"] == before
    _, (status, _, body) = box.submit(document())
    assert status == 201 and body["reference"] == before[0]["reference"]
    assert box.control("GET", "/state")[1]["receiver"]["submissions"] == before
    assert box.submit(document("V9X02", "2026-11"), provider="V9X02", period="2026-11")[1][0] == 201
    before = box.control("GET", "/state")[1]["receiver"]["submissions"]
    assert box.stop() == 0
    box.start()
    assert box.control("GET", "/state")[1]["receiver"]["submissions"] == before


OPTIONS = ["--people", "60", "--seed", "3"]
SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny.xsd")


def main():
    failed = 0
    print("1..%d" % len(tests))
    with tempfile.TemporaryDirectory(prefix="sandbox-smoke-") as folder:
        box = Sandbox(PROGRAM, folder, "--xsd", SCHEMA, *OPTIONS)
        box.make_key()
        box.start()
        assert os.stat(box.key + "/signing.key").st_mode & 0o077 == 0
        try:
            for number, function in enumerate(tests, 1):
                try:
                    function(box)
                    print("ok %d - %s" % (number, function.__name__))
                except Exception:
                    failed += 1
                    print("not ok %d - %s" % (number, function.__name__))
                    print("".join("# " + line + "\n" for line in
                                  traceback.format_exc().splitlines()), end="")
        finally:
            box.stop()
    return 1 if failed else 0


sys.exit(main())
