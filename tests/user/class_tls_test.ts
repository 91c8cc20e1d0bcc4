import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { DEFAULT_TLS, type TlsSettings, tlsSettings } from "../../src/net/tls_settings.ts";
import { checkTls, type ClassTls, userTls } from "../../src/user/class_tls.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { HttpUser } from "../../src/user/http_user.ts";
import { checkOptions, type UserClass } from "../../src/user/user.ts";
import { clientIdentity, testAuthority } from "../support/certificates.ts";
import { testContext } from "../support/users.ts";

const CLIENT = clientIdentity("client");
const OTHER = clientIdentity("client_stranger");
const CA = testAuthority();

/** What the command line says. */
function given(options: object, insecure = false): TlsSettings {
  return tlsSettings(options, "command line", undefined, { ...DEFAULT_TLS, insecure });
}

function classTls(tls: ClassTls<FastHttpUser>, line = DEFAULT_TLS): TlsSettings | null {
  return checkTls(tls, {
    name: "ShopTest",
    host: null,
    connections: { ...DEFAULT_CONNECTIONS, tls: line },
  });
}

/** The message of a class that is refused. */
function refusal(
  base: typeof FastHttpUser | typeof HttpUser,
  tls: unknown,
  line?: TlsSettings,
): string {
  const userClass: UserClass = class extends (base as typeof FastHttpUser) {
    static override tls = tls as ClassTls<FastHttpUser>;
  };
  const connections = { ...DEFAULT_CONNECTIONS, ...(line === undefined ? {} : { tls: line }) };
  try {
    userClass[checkOptions]({ name: "ShopTest", host: null, connections });
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return "none";
}

Deno.test("what the command line names replaces what the class says, and nothing else", () => {
  const own = { ...CLIENT, ca: CA, serverName: "shop.test", minVersion: "TLSv1.3" } as const;
  const settings = { ...DEFAULT_TLS, ...own, ca: [CA] };
  assert.deepEqual(classTls(own), settings);
  assert.deepEqual(classTls(own, given(OTHER)), { ...settings, ...OTHER });
  assert.deepEqual(classTls(own, given({ ca: OTHER.cert })), { ...settings, ca: [OTHER.cert] });
  assert.deepEqual(classTls(own, given({}, true)), { ...settings, insecure: true });
  assert.deepEqual(classTls(null, given({ ...OTHER, ca: CA })), {
    ...DEFAULT_TLS,
    ...OTHER,
    ca: [CA],
  });
});

const REFUSED: [tls: unknown, message: RegExp][] = [
  ["client.pem", /^ShopTest\.tls = 'client\.pem': must be an object with cert, key, ca/],
  [undefined, /^ShopTest\.tls = undefined: must be an object/],
  [{ cert: CLIENT.cert }, /^ShopTest\.tls\.cert: a certificate without its private key$/],
  [{ ...CLIENT, key: OTHER.key }, /^ShopTest\.tls\.key: does not belong to the certificate/],
  [{ ca: "ca.pem" }, /^ShopTest\.tls\.ca = 'ca\.pem': must be a certificate in PEM, not the name/],
  [{ sni: "shop.test" }, /^ShopTest\.tls\.sni: unknown member$/],
];

for (const [index, [tls, message]] of REFUSED.entries()) {
  Deno.test(`static tls is checked before the run: ${index + 1}`, () => {
    for (const base of [FastHttpUser, HttpUser]) assert.match(refusal(base, tls), message);
  });
}

Deno.test("what native fetch cannot do is refused, and the message names FastHttpUser's setting", () => {
  for (
    const [member, value] of [["serverName", "a.test"], ["minVersion", "TLSv1.3"], [
      "resume",
      false,
    ]]
  ) {
    assert.equal(
      refusal(HttpUser, { [member as string]: value }),
      `ShopTest.tls.${member}: ShopTest is an HttpUser, and native fetch has no such setting`,
    );
    assert.equal(refusal(FastHttpUser, { [member as string]: value }), "none");
  }
  assert.equal(refusal(HttpUser, { ...CLIENT, ca: [CA] }), "none");
});

Deno.test("users of a class share their settings; a function is called once for each user", () => {
  const { context } = testContext();
  const ids: number[] = [];
  class OwnTest extends FastHttpUser {
    static override tls = ({ id }: FastHttpUser) => {
      ids.push(id);
      return id % 2 === 0 ? CLIENT : OTHER;
    };
  }
  const { signal } = new AbortController();
  const users = [1, 2, 0].map((id) => new OwnTest({ ...context, id, signal }));
  // The user without a number only shows its tests.
  assert.deepEqual(ids, [1, 2]);
  const [odd, even] = users;
  const of = (user: FastHttpUser, tls: ClassTls<FastHttpUser>): TlsSettings =>
    userTls(user, tls, context.http);
  assert.equal(of(odd!, OwnTest.tls).cert, OTHER.cert);
  assert.equal(of(even!, OwnTest.tls).cert, CLIENT.cert);
  assert.equal(of(odd!, CLIENT), of(even!, CLIENT));
  assert.equal(of(odd!, null), of(even!, null));
  for (const user of users) user[Symbol.dispose]();
});
