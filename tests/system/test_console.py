#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages over HTTP: every page and action for every role, proofs, sessions, what strangers write, health; then in a browser.

usage: test_console.py BUILD-FOLDER

One small site whose months wait for approval.  The browser's part (tests/browser) is
skipped, with its reason, where Chromium, node 20 or its packages cannot be had.
"""
import csv
import html
import http.client
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

from whole_site import SOURCE, Site, Tap, deadline_loop

PORT = 18400 + os.getpid() % 1500
ROLES = ("viewer", "manager", "auditor")
NAMES = {"viewer": "vera", "manager": "mary", "auditor": "alan"}
CANARY = "<script>canary()</script>\"'><img src=x onerror=canary()>"


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self.text = answer.read().decode("utf-8")

    def proof(self):
        found = re.search(r'name="proof" value="([0-9a-f]{64})"', self.text)
        return found.group(1) if found else None


class Visitor:
    """A browser without script: one cookie, no opinion."""

    def __init__(self, port=PORT):
        self.port, self.cookie = port, None

    def ask(self, method, path, form=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["Cookie"] = self.cookie
        body = None
        if form is not None:
            body = form if isinstance(form, str) else urllib.parse.urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, sent)
        answer = Answer(connection.getresponse())
        connection.close()
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].split(";")[0]
        return answer

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def sign_in(self, token):
        return self.ask("POST", "/sign-in", {"token": token})


def pages():
    """The rows of page.def: (method, path, roles)."""
    with open(os.path.join(SOURCE, "daemon/console/page.def"), encoding="utf-8") as file:
        rows = re.findall(r'^PAGE\((GET|POST), "([^"]+)", "[^"]+", ([A-Z| ]+),', file.read(), re.M)
    assert len(rows) > 15, rows
    return [(method, path, set(roles.lower().replace(" ", "").split("|"))) for method, path, roles in rows]


class ConsoleTest:
    def __init__(self, site):
        self.site = site
        self.tokens = {role: self.token(NAMES[role], role) for role in ROLES}
        self.visitors = {}

    def token(self, name, role, until="2099-01-01"):
        done = self.site.run("mhsflow", "console", "token", name, "--role", role, "--until", until, "--as", "it", "--json")
        return json.loads(done.stdout)["token"]

    def sql(self, statement):
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.site.path("state/run/database"), "-U",
                               "mhsflow", "-d", "mhsflow", "-c", "set search_path = mhsflow, public", "-c", statement],
                              capture_output=True, text=True, check=True, **self.site._as_user()).stdout.strip()

    def visitor(self, role):
        if role not in self.visitors:
            self.visitors[role] = Visitor()
            assert self.visitors[role].sign_in(self.tokens[role]).status == 303
        return self.visitors[role]

    def held(self):
        return next(one for one in self.site.queue() if one["state"] == "held")

    # ---- steps ----

    def strangers(self):
        for method, path, roles in pages():
            answer = Visitor().ask(method, path, {} if method == "POST" else None)
            if roles == {"anyone"}:
                assert answer.status in (200, 403), (path, answer.status)
            elif method == "GET":
                assert (answer.status, answer.headers.get("location")) == (303, "/sign-in"), (path, answer.status)
            else:
                assert answer.status == 403, (path, answer.status)
        assert Visitor().get("/nothing").status == 404
        assert Visitor().ask("PUT", "/").status == 405
        assert Visitor().ask("POST", "/", {}).status == 405
        assert Visitor().sign_in("0" * 64).status == 403

    def roles(self):
        """Wrong roles are refused on every page and action, before anything is looked at or done."""
        held, before = self.held()["id"], len(self.site.queue())
        for role in ROLES:
            visitor = self.visitor(role)
            proof = visitor.get("/").proof()
            form = {"proof": proof, "id": held, "deed": "release", "state": "held", "feed": "sandbox"}
            for method, path, roles in pages():
                if roles == {"anyone"} or (role in roles and method == "POST"):
                    continue
                answer = visitor.ask(method, f"{path}?id={held}&deed=release" if method == "GET" else path,
                                     form if method == "POST" else None)
                wanted = 200 if role in roles else 403
                assert answer.status == wanted, (role, path, answer.status, answer.text[-800:])
        assert self.held()["id"] == held and len(self.site.queue()) == before

    def headers(self):
        for path in ("/", "/sign-in", "/metrics", "/style.css"):
            headers = self.visitor("viewer").get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy and "script-src" not in policy and "frame-ancestors 'none'" in policy
            assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
        answer = Visitor().sign_in(self.tokens["viewer"])
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert word in answer.headers["set-cookie"], answer.headers
        answer = Visitor().ask("POST", "/sign-in", {"token": self.tokens["viewer"]}, X_Forwarded_Proto="https")
        assert answer.headers["set-cookie"].startswith("__Host-") and "Secure" in answer.headers["set-cookie"]

    def forgery(self):
        held = self.held()["id"]
        visitor = self.visitor("manager")
        proof = visitor.get("/").proof()
        form = {"id": held, "deed": "release", "state": "held"}
        other = Visitor()
        other.sign_in(self.tokens["manager"])
        tries = [(form, {}), ({**form, "proof": "0" * 64}, {}), ({**form, "proof": other.get("/").proof()}, {}),
                 ({**form, "proof": proof}, {"Origin": "https://evil.example"}),
                 ({**form, "proof": proof}, {"Origin": "null"}),
                 ({**form, "proof": proof}, {"Sec_Fetch_Site": "cross-site"})]
        for sent, headers in tries:
            assert visitor.ask("POST", "/submission/do", sent, **headers).status == 403, (sent, headers)
        assert visitor.get(f"/submission/do?id={held}&deed=release&state=held&proof={proof}").status == 405
        assert self.held()["id"] == held
        # The question was asked of another state: nothing is done.
        stale = visitor.ask("POST", "/submission/do", {**form, "state": "ready", "proof": proof})
        assert stale.status == 400 and self.held()["id"] == held

    def deeds(self):
        """Hold, release and cancel with a name; the audit has each once."""
        held = self.held()["id"]
        visitor = self.visitor("manager")
        proof = visitor.get("/").proof()
        assert "What will happen" in visitor.get(f"/submission/confirm?id={held}&deed=cancel").text
        done = visitor.ask("POST", "/submission/do", {"id": held, "deed": "cancel", "state": "held", "proof": proof,
                                                      "reason": CANARY}, Origin=f"http://127.0.0.1:{PORT}")
        assert done.status == 303 and done.headers["location"] == f"/submission?id={held}&done=cancel", done.headers
        shown = visitor.get(f"/submission?id={held}").text
        assert "Cancelled by" in shown and "<script" not in shown and html.escape("<script>canary()") in shown
        events = self.site.mhsflow("audit", "list", "--submission", held)
        assert [one for one in events if one["event"] == "submission_cancelled" and "mary" in json.dumps(one)], events
        for role in ("viewer", "auditor"):
            assert "canary" not in self.visitor(role).get(f"/submission?id={held}").text

    def personal(self):
        """What the manager sees of people, nobody else does, and each look is in the audit."""
        before = int(self.sql("select count(*) from audit_event where event = 'looked'"))
        listing = self.visitor("manager").get("/findings.csv")
        assert listing.status == 200 and "attachment" in listing.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(listing.text)))
        assert len(rows) > 3
        people = {row["person"] for row in rows if row["person"]} | {row["id"] for row in rows if row["record"] == "person"}
        assert int(self.sql("select count(*) from audit_event where event = 'looked'")) == before + 1
        for role in ("viewer", "auditor"):
            for path in ("/", "/queue", "/submission?id=1", "/findings", f"/findings?rule={rows[0]['rule']}", "/feeds",
                         "/mapping") + (("/audit",) if role == "auditor" else ()):
                text = self.visitor(role).get(path).text
                found = [one for one in people if re.search(rf"\b{re.escape(one)}\b", text)]
                assert not found, (role, path, found)
        person = sorted(people)[0]
        manager = self.visitor("manager")
        proof = manager.get("/people").proof()
        form = {"proof": proof, "feed": "sandbox", "id": person}
        shown = manager.ask("POST", "/people", form)
        assert shown.status == 200 and "masked" in shown.text, shown.text[-500:]
        fields = json.loads(self.sql("select jsonb_object_agg(key, value) from source_record, jsonb_each(record) where type = "
                                     f"'person' and id = '{person}' and jsonb_typeof(value) = 'string' and key <> 'id'"
                                     " and length(value #>> '{}') > 4"))
        self.shown, hidden = sorted(fields)[:2]
        values = [html.escape(value) for value in fields.values()]
        assert not [value for value in values if f">{value}<" in shown.text]
        for reason in ("", "nosy"):
            refused = manager.ask("POST", "/people/reveal", {**form, "field": hidden, "reason": reason})
            assert refused.status == 400 and fields[hidden] not in refused.text, refused.status
        before = int(self.sql("select count(*) from audit_event where event = 'revealed'"))
        revealed = manager.ask("POST", "/people/reveal", {**form, "field": self.shown, "reason": "check_identity"})
        assert revealed.status == 200 and f">{html.escape(fields[self.shown])}<" in revealed.text, revealed.text[-500:]
        assert f">{html.escape(fields[hidden])}<" not in revealed.text
        assert int(self.sql("select count(*) from audit_event where event = 'revealed'")) == before + 1
        kept = self.sql("select fields from audit_event where event = 'revealed' order by number desc limit 1")
        assert "mary" in kept and f"check_identity:{self.shown}" in kept and person not in kept, kept
        assert person not in self.sql("select string_agg(fields::text, ' ') from audit_event where event in ('looked', 'revealed')")

    def hostile(self):
        """What others wrote stays text, wherever it is shown."""
        quoted = CANARY.replace("'", "''")
        self.sql(f"update finding set message = '{quoted}', remedy = '{quoted}', org = '{quoted}', field = '{quoted}'"
                 " where id in (select id from finding where gen_to is null and org is not null order by id limit 3)")
        self.sql(f"update feed_state set last_error_text = '{quoted}', remedy = '{quoted}'")
        self.sql("update tally set at = at - interval '1 hour', basis = -1")
        for _ in deadline_loop(60, "counted anew"):
            if "canary" in self.visitor("viewer").get("/findings").text:
                break
        where = urllib.parse.quote(CANARY)
        for role, path in (("viewer", "/findings"), ("viewer", "/"), ("viewer", "/feeds"), ("manager", "/findings/records"),
                           ("viewer", f"/findings?org={where}&rule={where}"), ("viewer", f"/queue?month={where}"),
                           ("viewer", f"/queue?state={where}&provider={where}"), ("auditor", f"/audit?actor={where}"),
                           ("auditor", f"/audit?from={where}"), ("viewer", f"/{where}"), ("viewer", "/%00"),
                           ("viewer", "/queue?provider=%ff%fe"), ("viewer", "/queue?provider=%zz")):
            answer = self.visitor(role).get(path)
            assert answer.status in (200, 400, 404), (path, answer.status)
            assert "<script" not in answer.text and "<img" not in answer.text, path
        assert "'" + "=" not in self.visitor("manager").get("/findings.csv").text.split("\r\n")[0]
        assert self.visitor("viewer").ask("POST", "/sign-in", "token=" + "x" * 20000).status == 413
        assert self.visitor("viewer").ask("POST", "/sign-in", "&".join(f"a{i}=1" for i in range(50))).status == 400
        for secret in ("x", "0" * 64, "' or 1=1 --", "a" * 5000):
            guest = Visitor()
            guest.cookie = f"mhsflow={secret}"
            assert guest.get("/queue").status == 303
        self.sql("update feed_state set last_error_text = null, remedy = null")

    def sessions(self):
        guest = Visitor()
        guest.sign_in(self.token("gerda", "viewer"))
        assert guest.get("/queue").status == 200
        self.sql("update console_session set seen_at = seen_at - interval '31 minutes' where name = 'gerda'")
        assert guest.get("/queue").status == 303, "idle for half an hour"
        guest.sign_in(self.token("gerda", "viewer"))
        self.sql("update console_session set started_at = started_at - interval '11 hours' where name = 'gerda'")
        assert guest.get("/queue").status == 303, "eleven hours"
        token = self.token("gerda", "viewer")
        guest.sign_in(token)
        assert guest.get("/queue").status == 200
        self.site.run("mhsflow", "console", "end", "gerda", "--as", "it")
        assert guest.get("/queue").status == 303 and guest.sign_in(token).status == 403, "the token was taken back"
        guest.sign_in(self.token("gerda", "viewer"))
        old = guest.cookie
        proof = guest.get("/").proof()
        assert guest.ask("POST", "/sign-out", {"proof": proof}).headers["location"] == "/sign-in"
        guest.cookie = old
        assert guest.get("/queue").status == 303, "signed out"
        self.sql("update console_token set ends_at = now() - interval '1 minute' where name = 'gerda'")
        assert guest.sign_in(token).status == 403
        kept = self.sql("select count(*) from audit_event where event in ('token_made', 'token_ended', 'signed_in')")
        assert int(kept) > 10, kept
        assert token not in self.sql("select string_agg(t::text, ' ') from (select name, encode(hash, 'hex') from console_token) t")

    def health(self):
        stranger = Visitor()
        assert stranger.get("/live").text == "live\n"
        text = stranger.get("/metrics").text
        with open(os.path.join(SOURCE, "daemon/report/metric.def"), encoding="utf-8") as file:
            names = re.findall(r'^METRIC\(\w+, "(\w+)"', file.read(), re.M)
        absent = [name for name in names if f"# TYPE {name} " not in text]
        assert set(absent) <= {"mhsflow_next_cutoff_seconds", "mhsflow_route_up"}, absent
        for line in text.splitlines():
            assert re.fullmatch(r"# (HELP|TYPE) .*|mhsflow_\w+(\{\w+=\"[\w-]+\"\})? -?\d+", line), line
        assert self.site.run("mhsflow", "console", "metrics").stdout.startswith("# HELP mhsflow_database_up")
        for _ in deadline_loop(90, "ready"):
            if stranger.get("/ready").status == 200:
                break
        pids = self.site.role_pids("map")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.sql("update presence set seen_at = seen_at - interval '5 minutes' where role = 'map'")
            answer = stranger.get("/ready")
            assert answer.status == 503 and "roles: a role is not running" in answer.text, answer.text
            assert 'mhsflow_role_up{role="map"} 0' in stranger.get("/metrics").text
            assert "A part of mhsflow is not running" in self.visitor("viewer").get("/").text
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def slow_down(self):
        """Somebody who guesses tokens is made to wait; last, because the address is ours."""
        statuses = [Visitor().sign_in(f"{i:064x}").status for i in range(15)]
        assert 429 in statuses, statuses

    def leaks(self):
        """No person's id in the journal or the audit; no token anywhere but on the terminal."""
        with open(self.site.log, encoding="utf-8", errors="replace") as file:
            journal = file.read()
        for token in self.tokens.values():
            assert token not in journal
        assert "canary" not in journal


def browser_tools(build):
    """The folder with the packages, or why not."""
    if not shutil.which("chromium"):
        return None, "Chromium is not installed"
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout if node else ""
    if not node or int(re.match(r"v(\d+)", version).group(1)) < 20 or not shutil.which("npm"):
        return None, "node 20 with npm is not installed"
    folder = os.path.join(build, "browser")
    lock = os.path.join(SOURCE, "tests/browser/package-lock.json")
    kept = os.path.join(folder, "package-lock.json")
    if os.path.isdir(os.path.join(folder, "node_modules/axe-core")) and open(kept, "rb").read() == open(lock, "rb").read():
        return folder, None
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    shutil.copy(os.path.join(SOURCE, "tests/browser/package.json"), folder)
    shutil.copy(lock, kept)
    try:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, capture_output=True,
                              text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        done = None
    if not done or done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        return None, "the browser's packages cannot be had here"
    return folder, None


def browse(tap, test, build):
    modules, why = browser_tools(build)
    if why:
        tap.skip("in a browser", why)
        return
    held = test.held()
    month = ("January February March April May June July August September October November December".split()
             [int(held["period"][5:]) - 1] + " " + held["period"][:4])
    for role in ROLES:  # whoever guessed tokens before is not this visitor
        test.visitor(role)
    settings = {"base": f"http://127.0.0.1:{PORT}", "tokens": test.tokens, "modules": modules,
                "chromium": shutil.which("chromium"), "month": month, "submission": f"/submission?id={held['id']}",
                "confirm": f"/submission/confirm?id={max(one['id'] for one in test.site.queue() if one['state'] == 'held')}&deed=cancel",
                "shots": os.environ.get("MHSFLOW_SHOTS")}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(settings, file)
        file.flush()
        started = time.monotonic()
        done = subprocess.run(["node", os.path.join(SOURCE, "tests/browser/pages.mjs"), file.name], capture_output=True,
                              text=True, timeout=400, check=False)
    print(f"# the browser took {time.monotonic() - started:.1f} s", flush=True)
    lines = re.findall(r"^(ok|not ok) (.*)$", done.stdout, re.M)
    for result, name in lines:
        def step(result=result, name=name):
            assert result == "ok", name
        tap.check(f"in a browser: {name.split(':')[0] if result != 'ok' else name}", step)
    if not lines or (done.returncode and all(result == "ok" for result, _ in lines)):
        def ended():
            raise AssertionError(done.stdout + done.stderr)
        tap.check("in a browser", ended)


def main():
    build = os.path.realpath(sys.argv[1])
    tap = Tap()
    site = Site(build, people=20, name="console", provider_lines="    release: approve\n")
    try:
        site.start_sandbox()
        site.write_settings(site.ports(), f"console:\n  listen: 127.0.0.1:{PORT}")
        site._own()
        site.start_daemon()
        for _ in deadline_loop(180, "months wait for approval"):
            if site.ready(lambda: site.caught_up() and sum(one["state"] == "held" for one in site.queue()) > 2):
                break
        test = ConsoleTest(site)
        for _ in deadline_loop(60, "the pages answer and findings are counted"):
            if site.ready(lambda: "Counted at" in test.visitor("viewer").get("/findings").text
                          and "Nothing was found" not in test.visitor("viewer").get("/findings").text):
                break
        for name, step in (("strangers are sent to sign in", test.strangers),
                           ("each role on every page and action", test.roles), ("headers and cookies", test.headers),
                           ("forged forms do nothing", test.forgery)):
            tap.check(name, step)
        browse(tap, test, build)
        for name, step in (("deeds keep the name", test.deeds), ("personal data: one role, masked, audited", test.personal),
                           ("what others wrote stays text", test.hostile), ("sessions end", test.sessions),
                           ("health and metrics", test.health), ("no id, token or canary in the journal", test.leaks),
                           ("guessing tokens is slow", test.slow_down)):
            tap.check(name, step)
        site.verify_audit()
    finally:
        site.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
