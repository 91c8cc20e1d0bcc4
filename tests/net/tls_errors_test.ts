import assert from "node:assert/strict";
import { TlsError, tlsFailure, type TlsState } from "../../src/net/tls_errors.ts";

const OPENING: TlsState = { open: false, hasCertificate: false };
const OPEN: TlsState = { open: true, hasCertificate: false };

function textOf(error: unknown, state: TlsState): string {
  const failure = tlsFailure(error, state);
  assert.ok(failure instanceof TlsError, String(failure));
  assert.equal(failure.cause, error);
  return `${failure.code}: ${failure.message}`;
}

function withCode(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

function alert(name: string): Error {
  return new Deno.errors.InvalidData(`received fatal alert: ${name}`);
}

Deno.test("certificates of the runtime and of node:tls", () => {
  const runtime = (text: string): Error => {
    return new Deno.errors.InvalidData(`invalid peer certificate: ${text}`);
  };
  assert.match(
    textOf(runtime("certificate expired: verification time 1"), OPENING),
    /^TLS_EXPIRED: /,
  );
  assert.match(textOf(runtime("Expired"), OPENING), /^TLS_EXPIRED: /);
  assert.match(textOf(runtime('certificate not valid for name "a"'), OPENING), /^TLS_HOSTNAME: /);
  assert.match(textOf(runtime("UnknownIssuer"), OPENING), /^TLS_UNTRUSTED: /);
  assert.match(
    textOf(runtime("Other(OtherError(CaUsedAsEndEntity))"), OPENING),
    /^TLS_UNTRUSTED: the server uses a certificate for an authority \(CA:TRUE\)/,
  );
  assert.match(textOf(withCode("words", "CERT_HAS_EXPIRED"), OPENING), /^TLS_EXPIRED: words/);
  assert.match(
    textOf(withCode("words", "ERR_TLS_CERT_ALTNAME_INVALID"), OPENING),
    /^TLS_HOSTNAME: /,
  );
  assert.match(
    textOf(withCode("words", "DEPTH_ZERO_SELF_SIGNED_CERT"), OPENING),
    /^TLS_UNTRUSTED: /,
  );
  assert.equal(
    textOf(withCode("words", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"), OPENING),
    "TLS_UNTRUSTED: the certificate is not trusted, or has expired (words)",
  );
});

Deno.test("alerts about the client certificate say so, also after the handshake", () => {
  for (const state of [OPENING, OPEN]) {
    const withCertificate = { ...state, hasCertificate: true };
    for (
      const name of ["CertificateRequired", "BadCertificate", "UnknownCA", "CertificateExpired"]
    ) {
      const detail = `(received fatal alert: ${name})`;
      assert.equal(
        textOf(alert(name), state),
        `TLS_CLIENT_CERT: the server requires a client certificate ${detail}`,
      );
      assert.equal(
        textOf(alert(name), withCertificate),
        `TLS_CLIENT_CERT: the server refused the client certificate ${detail}`,
      );
    }
    assert.equal(
      textOf(alert("HandshakeFailure"), state),
      "TLS: the server refused the handshake, perhaps because it requires a client certificate " +
        "(received fatal alert: HandshakeFailure)",
    );
    assert.equal(
      textOf(alert("HandshakeFailure"), withCertificate),
      "TLS: received fatal alert: HandshakeFailure",
    );
    assert.equal(textOf(alert("InternalError"), state), "TLS: received fatal alert: InternalError");
  }
});

Deno.test("the end of the stream is about TLS only during the handshake", () => {
  const error = new Deno.errors.UnexpectedEof("unexpected end of file");
  assert.equal(tlsFailure(error, OPEN), error);
  assert.match(
    textOf(error, OPENING),
    /^TLS: the server closed the connection during the TLS handshake \(unexpected end of file\)$/,
  );
});

Deno.test("errors of the system stay as they are, and so do shortages of this machine", () => {
  for (const state of [OPENING, OPEN]) {
    for (
      const error of [
        withCode("words", "ECONNREFUSED"),
        new Deno.errors.ConnectionReset("words"),
        new Deno.errors.TimedOut("words"),
        withCode("words", "EMFILE"),
        new Error("Too many open files (os error 24)"),
      ]
    ) assert.equal(tlsFailure(error, state), error);
  }
});

Deno.test("everything else is about TLS during the handshake, and afterwards if the bytes are invalid", () => {
  const error = new Error("odd");
  assert.equal(textOf(error, OPENING), "TLS: odd");
  assert.equal(tlsFailure(error, OPEN), error);
  const invalid = new Deno.errors.InvalidData("received corrupt message of type X");
  assert.match(textOf(invalid, OPENING), /^TLS: the server does not speak TLS on this port \(/);
  assert.equal(textOf(invalid, OPEN), "TLS: received corrupt message of type X");
  const failure = new TlsError("TLS", "words", error);
  assert.equal(tlsFailure(failure, OPEN), failure);
});
