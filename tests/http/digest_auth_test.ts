import assert from "node:assert/strict";
import fc from "fast-check";
import { DigestAuth, type DigestCredentials } from "../../src/http/digest_auth.ts";
import type { WireBody } from "../../src/http/transport.ts";

const CREDENTIALS: DigestCredentials = { user: "Mufasa", password: "Circle of Life" };
const URL_OF_RFC = "http://www.example.org/dir/index.html";
const CHALLENGE_OF_RFC = [
  'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256,',
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
].join(" ");

interface Answer {
  readonly challenge: string;
  readonly nonce?: string;
  readonly credentials?: DigestCredentials;
  readonly url?: string;
  readonly method?: string;
  readonly body?: WireBody;
}

/** The Authorization header of the first request after a challenge; `null` if it is not answered. */
function answer(
  { challenge, nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", ...more }: Answer,
): string | null {
  const { credentials = CREDENTIALS, url = URL_OF_RFC, method = "GET", body = null } = more;
  const auth = new DigestAuth(() => nonce);
  auth.learn(credentials, new URL(url), challenge);
  return auth.authorization(credentials, { method, url: new URL(url), body });
}

/** One field of a header. */
function field(name: string, header: string | null): string | undefined {
  const match = new RegExp(`[ ,]${name}=(?:"([^"]*)"|([^,]*))`).exec(header ?? "");
  return match?.[1] ?? match?.[2];
}

Deno.test("the answer of RFC 7616, section 3.9.1, with SHA-256", () => {
  assert.equal(
    answer({ challenge: CHALLENGE_OF_RFC }),
    'Digest username="Mufasa", realm="http-auth@example.org", ' +
      'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", qop=auth, ' +
      'nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", ' +
      'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", ' +
      'algorithm=SHA-256, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  );
});

Deno.test("the answer of RFC 7616, section 3.9.1, with MD5", () => {
  const header = answer({ challenge: CHALLENGE_OF_RFC.replace("SHA-256", "MD5") });
  assert.equal(field("response", header), "8ca523f5e9506fed4657c9700eebdbec");
  const unnamed = answer({ challenge: CHALLENGE_OF_RFC.replace("algorithm=SHA-256,", "") });
  assert.equal(field("response", unnamed), "8ca523f5e9506fed4657c9700eebdbec");
  assert.equal(field("algorithm", unnamed), undefined);
});

Deno.test("the user of RFC 7616, section 3.9.2, is sent as a hash, in the corrected form", () => {
  const challenge = 'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, ' +
    'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
    'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true';
  const header = answer({
    challenge,
    nonce: "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
    credentials: { user: "J\u00e4s\u00f8n Doe", password: "Secret, or not?" },
    url: "http://api.example.org/doe.json",
  });
  assert.equal(
    field("username", header),
    "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b",
  );
  assert.equal(field("userhash", header), "true");
  assert.equal(field("response", header)!.length, 64);
});

Deno.test("the answers of RFC 2617 and of the older RFC 2069", () => {
  const challenge =
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"';
  const credentials = { user: "Mufasa", password: "Circle Of Life" };
  const nonce = "0a4f113b";
  const header = answer({ challenge: `${challenge}, qop="auth,auth-int"`, credentials, nonce });
  assert.equal(field("response", header), "6629fae49393a05397450978507c4ef1");
  const old = answer({ challenge, credentials });
  assert.equal(field("response", old), "670fd8c2df070c60b045671b8b24ff02");
  assert.equal(field("qop", old), undefined);
  assert.equal(field("nc", old), undefined);
});

Deno.test("with -sess, the nonces are part of the secret; with auth-int, the body is", () => {
  const challenge = 'Digest realm="r", nonce="n", algorithm=MD5-sess, qop=auth-int';
  const url = "http://127.0.0.1/a?b=c";
  const body = new TextEncoder().encode("text");
  const request = {
    challenge,
    nonce: "c",
    url,
    method: "POST",
    credentials: { user: "u", password: "p" },
  };
  // Computed with Python's hashlib.
  assert.equal(field("response", answer({ ...request, body })), "8db196b8730a09d96facc22e2bca184a");
  assert.equal(field("response", answer(request)), "4b7451657b0f0d376e1877cc5c805d13");
  const stream = ReadableStream.from([body]);
  assert.equal(answer({ ...request, body: stream }), null);
  const header = answer({
    ...request,
    challenge: challenge.replace("auth-int", '"auth-int,auth"'),
    body: stream,
  });
  assert.equal(field("qop", header), "auth");
  assert.equal(field("uri", header), "/a?b=c");
});

Deno.test("further requests to the origin count the nonce, and other credentials start again", () => {
  const auth = new DigestAuth(() => "c");
  const url = new URL(URL_OF_RFC);
  const request = { method: "GET", url, body: null };
  assert.equal(auth.authorization(CREDENTIALS, request), null);
  auth.learn(CREDENTIALS, url, CHALLENGE_OF_RFC);
  const counts = [1, 2, 3].map(() => field("nc", auth.authorization(CREDENTIALS, request)));
  assert.deepEqual(counts, ["00000001", "00000002", "00000003"]);
  const elsewhere = new URL("/other", url);
  assert.equal(
    field("nc", auth.authorization(CREDENTIALS, { ...request, url: elsewhere })),
    "00000004",
  );
  const other = new URL("http://www.example.org:81/");
  assert.equal(auth.authorization(CREDENTIALS, { ...request, url: other }), null);
  assert.equal(auth.authorization({ ...CREDENTIALS, password: "x" }, request), null);
  assert.equal(auth.authorization({ ...CREDENTIALS, user: "x" }, request), null);
  auth.learn(CREDENTIALS, url, CHALLENGE_OF_RFC.replace("7ypf", "next"));
  assert.equal(field("nc", auth.authorization(CREDENTIALS, request)), "00000001");
});

Deno.test("a domain limits the URLs that are authorized before they ask", () => {
  const auth = new DigestAuth(() => "c");
  const url = new URL("http://127.0.0.1/a/b");
  auth.learn(CREDENTIALS, url, 'Digest realm="r", nonce="n", domain="/a http://other.test/"');
  const isSent = (path: string): boolean =>
    auth.authorization(CREDENTIALS, { method: "GET", url: new URL(path, url), body: null }) !==
      null;
  assert.deepEqual(["/a/c", "/b"].map(isSent), [true, false]);
});

Deno.test("the first challenge that can be answered is, among those of other schemes", () => {
  const rows: [challenge: string, realm: string | undefined][] = [
    ['Basic realm="b", Digest realm="d", nonce="n"', "d"],
    ['Negotiate YIIa+/=, Digest nonce=n, realm=d, Basic realm="b"', "d"],
    ['Digest realm="d1", nonce="n", algorithm=SHA-3, DIGEST realm="d2", nonce="n"', "d2"],
    ['Digest realm="d1", nonce="n", qop="auth-conf", Digest realm="d2", nonce="n"', "d2"],
    ['Digest realm="a, \\"b\\"=c", nonce="n"', undefined],
    ['Digest realm="d"', undefined],
    ['Basic realm="Digest realm=x, nonce=n"', undefined],
    ['Digest realm="d', undefined],
    [",, Digest  realm = d ,nonce =  n", "d"],
    ["", undefined],
  ];
  for (const [challenge, realm] of rows) {
    const header = answer({ challenge });
    if (challenge.includes('\\"b\\"')) assert.ok(header!.includes('realm="a, \\"b\\"=c"'));
    else assert.equal(field("realm", header), realm, challenge);
  }
});

Deno.test("a user beyond ASCII is sent as the server expects it", () => {
  const credentials = { user: 'jürgen "j"', password: "š" };
  const plain = answer({ challenge: 'Digest realm="r", nonce="n"', credentials });
  assert.ok(plain!.includes('username="j\xc3\xbcrgen \\"j\\""'));
  const utf8 = answer({ challenge: 'Digest realm="r", nonce="n", charset="utf-8"', credentials });
  assert.ok(utf8!.includes("username*=UTF-8''j%C3%BCrgen%20%22j%22"));
});

Deno.test("stale says that only the nonce is too old", () => {
  const auth = new DigestAuth(() => "c");
  const url = new URL(URL_OF_RFC);
  const stale = auth.learn(CREDENTIALS, url, `${CHALLENGE_OF_RFC}, stale=TRUE`);
  assert.equal(stale?.isStale, true);
  assert.equal(auth.learn(CREDENTIALS, url, CHALLENGE_OF_RFC)?.isStale, false);
  assert.equal(auth.learn(CREDENTIALS, url, null), null);
});

Deno.test("any header is read, also a long one", () => {
  const piece = fc.constantFrom(
    ...[
      "Digest ",
      "realm=",
      "nonce=",
      '"',
      "\\",
      ",",
      "=",
      " ",
      "a",
      "qop=auth",
      "==",
      "\x00",
      "é",
    ],
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    const header = answer({ challenge: pieces.join("") });
    assert.ok(header === null || header.startsWith("Digest username="));
  }));
  for (const text of ['"', '\\"', "a", "a=", ",", "Digest ", 'a="b",', "a ", "="]) {
    const before = performance.now();
    answer({ challenge: `Digest realm="${text.repeat(20_000)}` });
    answer({ challenge: text.repeat(20_000) });
    assert.ok(performance.now() - before < 2_000, text);
  }
});
