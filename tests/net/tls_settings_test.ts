import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { UsageError } from "../../src/core/errors.ts";
import { DEFAULT_TLS, tlsSettings } from "../../src/net/tls_settings.ts";
import {
  clientIdentity,
  encryptedClientKey,
  identity,
  testAuthority,
} from "../support/certificates.ts";

const { cert, key } = clientIdentity("client");

/** The message and the hint of the error for an input. */
function refusal(input: unknown): string {
  try {
    tlsSettings(input, "ShopTest.tls");
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.ok(!/BEGIN PRIVATE KEY-----./s.test(error.message), "the key is shown");
    return error.hint === "" ? error.message : `${error.message}\n${error.hint}`;
  }
  assert.fail("nothing was thrown");
}

function pem({ privateKey }: { readonly privateKey: KeyObject }): string {
  return String(privateKey.export({ type: "pkcs8", format: "pem" }));
}

Deno.test("members that are missing have defaults", () => {
  assert.deepEqual(tlsSettings({}, "tls"), DEFAULT_TLS);
  const nothing = { cert: undefined, ca: null, serverName: null, resume: undefined };
  assert.deepEqual(tlsSettings(nothing, "tls"), DEFAULT_TLS);
});

Deno.test("everything that is given is taken over, and the result cannot be changed", () => {
  const ca = testAuthority();
  const settings = tlsSettings(
    { cert: cert + ca, key, ca, serverName: "shop.test", minVersion: "TLSv1.3" },
    "tls",
  );
  assert.deepEqual(settings, {
    ...DEFAULT_TLS,
    cert: cert + ca,
    key,
    ca: [ca],
    serverName: "shop.test",
    minVersion: "TLSv1.3",
  });
  assert.ok(Object.isFrozen(settings));
  assert.deepEqual(tlsSettings({ ca: [ca, `${ca}\n${ca}`] }, "tls").ca.length, 2);
  assert.equal(tlsSettings({ resume: false }, "tls").resume, false);
});

Deno.test("defaults of the caller apply to members that are missing", () => {
  const defaults = { ...DEFAULT_TLS, cert, key, insecure: true, serverName: "shop.test" };
  assert.deepEqual(tlsSettings({}, "tls", undefined, defaults), defaults);
  const other = clientIdentity("client_v1");
  assert.deepEqual(tlsSettings(other, "tls", undefined, defaults), { ...defaults, ...other });
});

Deno.test("the caller names the places", () => {
  const places = (member: string): string => `--client-${member} ${member}.pem`;
  assert.throws(
    () => tlsSettings({ cert, key: cert }, "the command line", places),
    /^UsageError: --client-key key\.pem: no private key in PEM$/,
  );
});

Deno.test("not an object", () => {
  assert.match(refusal(null), /^ShopTest\.tls = null: must be an object with cert, key, ca, /);
  assert.match(refusal("a.pem"), /^ShopTest\.tls = 'a\.pem': must be an object/);
  assert.match(refusal([cert]), /: must be an object/);
});

Deno.test("an unknown member names the nearest", () => {
  assert.equal(
    refusal({ certificate: cert }),
    "ShopTest.tls.certificate: unknown member\nDid you mean cert?",
  );
  assert.match(refusal({ servername: "a" }), /Did you mean serverName\?$/);
  assert.match(refusal({ caCerts: [] }), /Did you mean ca\?$/);
  assert.match(refusal({ minVerison: "" }), /Did you mean minVersion\?$/);
  assert.match(refusal({ keys: key }), /Did you mean key\?$/);
  assert.match(
    refusal({ ciphers: "" }),
    /It can have cert, key, ca, serverName, minVersion, resume\.$/,
  );
  assert.match(refusal({ insecure: true }), /use --insecure\.$/);
});

Deno.test("a certificate without a key, and a key without a certificate", () => {
  assert.match(refusal({ cert }), /^ShopTest\.tls\.cert: a certificate without its private key\n/);
  assert.match(refusal({ key }), /^ShopTest\.tls\.key: a private key without its certificate\n/);
});

Deno.test("not PEM", () => {
  assert.equal(
    refusal({ cert: 5, key }),
    "ShopTest.tls.cert: must be a certificate in PEM, as a string",
  );
  assert.equal(
    refusal({ cert: "certs/client.pem", key }),
    "ShopTest.tls.cert = 'certs/client.pem': must be a certificate in PEM, not the name of a file\n" +
      'Read the file: Deno.readTextFileSync("certs/client.pem")',
  );
  assert.match(
    refusal({ cert: "\x30\x82", key }),
    /^ShopTest\.tls\.cert: not a certificate in PEM\n/,
  );
  assert.match(
    refusal({ cert, key: "c2VjcmV0" }),
    /^ShopTest\.tls\.key: not a private key in PEM\n/,
  );
  assert.match(refusal({ ca: "" }), /^ShopTest\.tls\.ca: not a certificate in PEM\n/);
  assert.match(
    refusal({ ca: [testAuthority(), key] }),
    /^ShopTest\.tls\.ca\[1\]: a private key where a certificate is expected$/,
  );
  assert.match(
    refusal({ cert: cert.slice(0, 200), key }),
    /: no complete certificate between BEGIN/,
  );
  assert.match(
    refusal({ ca: "-----BEGIN CERTIFICATE-----\nabcd\n-----END CERTIFICATE-----" }),
    /^ShopTest\.tls\.ca: the certificate cannot be read \(/,
  );
  assert.match(refusal({ cert, key: cert }), /^ShopTest\.tls\.key: no private key in PEM\n/);
  assert.match(
    refusal({ cert, key: "-----BEGIN PRIVATE KEY-----\nabcd\n-----END PRIVATE KEY-----" }),
    /^ShopTest\.tls\.key: the private key cannot be read \(/,
  );
});

Deno.test("keys that cannot be used", () => {
  assert.match(
    refusal({ cert, key: encryptedClientKey() }),
    /^ShopTest\.tls\.key: the private key is encrypted with a password\nDecrypt it: openssl pkey /,
  );
  assert.match(
    refusal({ cert, key: identity("good").key }),
    /^ShopTest\.tls\.key: does not belong to the certificate \(CN=client\)\n/,
  );
  assert.match(
    refusal({ cert, key: pem(generateKeyPairSync("rsa", { modulusLength: 1024 })) }),
    /^ShopTest\.tls\.key: TLS cannot use this kind of key \(rsa, 1024\)\nUse RSA with at least/,
  );
  assert.match(
    refusal({ cert, key: pem(generateKeyPairSync("ec", { namedCurve: "secp224r1" })) }),
    /cannot use this kind of key \(ec, secp224r1\)/,
  );
});

Deno.test("names, versions and resumption", () => {
  for (const name of ["", "127.0.0.1", "::1", "a b", "https://a", "a..b"]) {
    assert.match(
      refusal({ serverName: name }),
      /^ShopTest\.tls\.serverName = '.*': must be the name of a host, such as "example\.com"$/,
    );
  }
  assert.equal(
    refusal({ minVersion: "1.3" }),
    'ShopTest.tls.minVersion = \'1.3\': must be "TLSv1.2" or "TLSv1.3"',
  );
  for (const resume of [true, "no"]) {
    assert.match(
      refusal({ resume }),
      /^ShopTest\.tls\.resume = .*: must be false, or left out\nA FastHttpUser cannot resume sessions: /,
    );
  }
});
