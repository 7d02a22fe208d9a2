# SPDX-License-Identifier: Apache-2.0
"""A client of the sandbox for its own tests: standard library and the openssl command only."""
import base64
import hashlib
import http.client
import json
import os
import secrets
import select
import signal
import ssl
import subprocess
import tempfile
import time

COMPONENTS = ["@method", "@authority", "@path", "content-digest", "content-length", "content-type",
              "idempotency-key", "submission-data-set", "submission-provider", "submission-period",
              "submission-revision", "document-signature"]


class Sandbox:
    """A running mhsflow-sandbox with its sender key, in a folder of its own."""

    def __init__(self, program, folder, *options):
        self.program, self.folder, self.options = program, folder, options
        self.state = os.path.join(folder, "state")
        self.key = os.path.join(folder, "key")
        self.http_key = self.key
        self.certificate = self.key + "/signing.crt"
        self.process = None

    def make_key(self):
        subprocess.run([self.program, "make-sender-key", "--out", self.key], check=True)

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "serve", "--state", self.state, "--sender-certificate",
             self.certificate, *self.options], stdout=subprocess.PIPE)
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline() if ready else b""
        if not line.startswith(b"READY"):
            raise RuntimeError("the sandbox did not become ready")
        with open(self.state + "/ports.json", encoding="utf-8") as file:
            self.ports = json.load(file)
        with open(self.state + "/feed.token", encoding="utf-8") as file:
            self.token = file.read().strip()
        self.tls = ssl.create_default_context(cafile=self.state + "/ca.pem")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(timeout=20)
        self.process.stdout.close()
        return status

    def _ask(self, connection, method, path, body, headers):
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def feed(self, path, **headers):
        headers.setdefault("Authorization", "Bearer " + self.token)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._ask(http.client.HTTPSConnection("127.0.0.1", self.ports["feed"], timeout=60,
                                                     context=self.tls),
                         "GET", "/export/v1" + path, None, headers)

    def control(self, method, path, body=None):
        status, _, answer = self._ask(
            http.client.HTTPConnection("127.0.0.1", self.ports["control"], timeout=60), method,
            path, json.dumps(body) if body is not None else None, {})
        return status, json.loads(answer)

    def receiver(self, method, path, body=None, headers=None):
        status, heads, answer = self._ask(
            http.client.HTTPSConnection("127.0.0.1", self.ports["receiver"], timeout=60,
                                        context=self.tls),
            method, "/msr/v1" + path, body, headers or {})
        return status, heads, json.loads(answer)

    def openssl(self, *arguments, data):
        return subprocess.run(["openssl", *arguments], input=data, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

    def make_other_sender(self, kind):
        """A sender with an RSA or Ed25519 key, beside the P-256 one of make-sender-key."""
        folder = os.path.join(self.folder, kind)
        os.mkdir(folder)
        self.openssl("req", "-x509", "-newkey", kind, "-nodes", "-subj", "/CN=other sender",
                     "-keyout", folder + "/signing.key", "-out", folder + "/signing.crt",
                     "-days", "2", data=b"")
        return folder

    def _raw_signature(self, base):
        key = self.http_key + "/signing.key"
        if self.http_key.endswith("ed25519"):
            with tempfile.NamedTemporaryFile(dir=self.folder) as file:
                file.write(base)
                file.flush()
                return self.openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file.name,
                                    data=b"")
        if "rsa" in self.http_key:
            return self.openssl("dgst", "-sha512", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                                "rsa_pss_saltlen:64", "-sign", key, data=base)
        der = self.openssl("dgst", "-sha256", "-sign", key, data=base)
        raw, at = b"", 2
        for _ in range(2):
            length = der[at + 1]
            raw += int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big")
            at += 2 + length
        return raw

    def sign(self, method, path, headers, components, created=None, nonce=None, tag="mhsflow"):
        """Adds Signature-Input and Signature over the components."""
        values = {"@method": method, "@path": "/msr/v1" + path,
                  "@authority": "127.0.0.1:%d" % self.ports["receiver"]}
        lower = {name.lower(): value for name, value in headers.items()}
        parameters = '(%s);created=%d;keyid="sandbox";nonce="%s";tag="%s"' % (
            " ".join('"%s"' % name for name in components), created or int(time.time()),
            nonce or secrets.token_hex(12), tag)
        lines = ['"%s": %s' % (name, values.get(name, lower.get(name))) for name in components]
        base = "\n".join(lines + ['"@signature-params": ' + parameters])
        headers["Signature-Input"] = "sig1=" + parameters
        headers["Signature"] = "sig1=:%s:" % base64.b64encode(
            self._raw_signature(base.encode())).decode()
        return headers

    def cms(self, document, key=None):
        key = key or self.key
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(document)
            file.flush()
            return self.openssl("cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256",
                                "-signer", key + "/signing.crt", "-inkey", key + "/signing.key",
                                "-in", file.name, data=b"")

    @staticmethod
    def key_of(document, provider, period, revision):
        digest = hashlib.sha256(document).hexdigest()
        whole = "mhsds-6.0|%s|%s|%d|%s" % (provider, period, revision, digest)
        return hashlib.sha256(whole.encode()).hexdigest()

    def submit(self, document, provider="V9X01", period="2026-08", revision=1, spoil=None,
               cms_key=None, uncovered=None, **signing):
        digest = hashlib.sha256(document).digest()
        key = self.key_of(document, provider, period, revision)
        headers = {
            "Content-Type": "application/xml", "Content-Length": str(len(document)),
            "Content-Digest": "sha-256=:%s:" % base64.b64encode(digest).decode(),
            "Idempotency-Key": '"%s"' % key, "Submission-Data-Set": "mhsds-6.0",
            "Submission-Provider": provider, "Submission-Period": period,
            "Submission-Revision": str(revision),
            "Document-Signature": ":%s:" % base64.b64encode(self.cms(document, cms_key)).decode()}
        if spoil:
            spoil(headers)
        self.sign("POST", "/submissions", headers,
                  [name for name in COMPONENTS if name != uncovered], **signing)
        self.last = (document, headers)
        return key, self.receiver("POST", "/submissions", document, headers)

    def question(self, key):
        path = "/submissions/" + key
        return self.receiver("GET", path, None,
                             self.sign("GET", path, {}, ["@method", "@authority", "@path"]))


def document(provider="V9X01", period="2026-08", people=1):
    header = "".join("<%s>%s</%s>" % (name, value, name) for name, value in [
        ("DatSetVer", "6.0"), ("OrgIDProvider", provider), ("OrgIDSubmit", provider),
        ("PrimSystemInUse", "test"), ("ReportingPeriodStartDate", period + "-01"),
        ("ReportingPeriodEndDate", period + "-28"), ("DateTimeDatSetCreate", "2026-11-23T00:00:00")])
    rows = "".join("<MHS001MPI><LocalPatientID>X%d</LocalPatientID></MHS001MPI>\n" % i
                   for i in range(people))
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            '<MHSDS xmlns="urn:mhsflow:mhsds:6.0" version="6.0">\n'
            "<MHS000Header>%s</MHS000Header>\n%s</MHSDS>\n" % (header, rows)).encode()
