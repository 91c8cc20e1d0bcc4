import assert from "node:assert/strict";
import { type Client, proxyNetwork, TrustedProxies } from "../../src/web/forwarded.ts";

const PROXY = "127.0.0.1";
const proxies = new TrustedProxies(["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]);

function client(headers: Record<string, string>, peer = PROXY): Client {
  return proxies.clientOf(new Headers(headers), peer);
}

Deno.test("networks are addresses, or have at least 8 bits", () => {
  const valid = ["10.1.2.3", "10.0.0.0/8", "::1", "[::1]", "FD00::/8"];
  assert.deepEqual(valid.map(proxyNetwork), [
    ...["10.1.2.3/32", "10.0.0.0/8", "::1/128", "::1/128", "fd00::/8"],
  ]);
  const invalid = ["", "proxy", "10.0.0.0/7", "0.0.0.0/0", "10.0.0.0/33", "::/129", "::/0", "10.1"];
  for (
    const text of [...invalid, "10.0.0.0/", "10.0.0.0/8/8", "fe80::1%eth0", "*", "10.0.0.1:80"]
  ) {
    assert.equal(proxyNetwork(text), null, text);
  }
});

Deno.test("without a trusted proxy, only the connection counts", () => {
  const headers = {
    ...{ "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https" },
    ...{ "X-Forwarded-Host": "load.example.com", "X-Forwarded-Prefix": "/load" },
    Forwarded: "for=192.0.2.2;proto=https",
  };
  const unknown = { isSecure: null, hosts: [], prefix: "" };
  const none = new TrustedProxies([]);
  assert.deepEqual(none.clientOf(new Headers(headers), "127.0.0.1"), {
    ...unknown,
    address: "127.0.0.1",
    isLocal: false,
  });
  assert.deepEqual(client(headers, "192.0.2.9"), {
    ...unknown,
    address: "192.0.2.9",
    isLocal: false,
  });
});

Deno.test("a request of this machine has no sign of a proxy", () => {
  const none = new TrustedProxies([]);
  const isLocal = (headers: Record<string, string>, peer: string): boolean =>
    none.clientOf(new Headers(headers), peer).isLocal;
  for (const peer of ["127.0.0.1", "127.9.9.9", "::1"]) {
    assert.equal(isLocal({ Accept: "*/*", "X-Aiotest": "1" }, peer), true);
    const signs = [
      ...["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"],
      ...["X-Forwarded-Server", "X-Real-IP", "X-Original-URI", "CF-Connecting-IP"],
    ];
    for (const name of signs) assert.equal(isLocal({ [name]: "127.0.0.1" }, peer), false, name);
  }
  assert.equal(isLocal({}, "10.0.0.1"), false);
});

Deno.test("the client is the last address that is not a trusted proxy", () => {
  const cases: [forwardedFor: string, address: string, isLocal: boolean][] = [
    ["192.0.2.1", "192.0.2.1", false],
    ["192.0.2.1:4711", "192.0.2.1", false],
    ["2001:db8::1", "2001:db8::1", false],
    ["[2001:db8::1]:4711", "2001:db8::1", false],
    ["::ffff:192.0.2.1", "192.0.2.1", false],
    ["192.0.2.1, 10.1.1.1", "192.0.2.1", false],
    ["127.0.0.1", "127.0.0.1", true],
    ["::1", "::1", true],
    // A client has added the first address itself.
    ["127.0.0.1, 192.0.2.1", "192.0.2.1", false],
    ["127.0.0.1, 192.0.2.1, fd00::7", "192.0.2.1", false],
    ["::1, unknown", PROXY, false],
    ["127.0.0.1, bad", PROXY, false],
    ["", PROXY, false],
  ];
  for (const [forwardedFor, address, isLocal] of cases) {
    const found = client({ "X-Forwarded-For": forwardedFor });
    assert.deepEqual([found.address, found.isLocal], [address, isLocal], forwardedFor);
  }
  // The proxy does not say for whom.
  assert.equal(client({}).isLocal, false);
  assert.equal(client({ "X-Forwarded-For": "127.0.0.1" }, "10.200.0.1").isLocal, true);
  assert.equal(client({ "X-Forwarded-For": "127.0.0.1" }, "11.0.0.1").isLocal, false);
});

Deno.test("Forwarded is read as RFC 7239 defines it", () => {
  const header = 'for=192.0.2.43, For="[2001:db8:cafe::17]:4711";proto=HTTPS;' +
    'host="load.example.com:8443";by=203.0.113.43';
  assert.deepEqual(client({ Forwarded: header }), {
    address: "2001:db8:cafe::17",
    isLocal: false,
    isSecure: true,
    hosts: ["load.example.com:8443"],
    prefix: "",
  });
  assert.equal(client({ Forwarded: "for=127.0.0.1;proto=http" }).isLocal, true);
  for (const hidden of ["for=_hidden", "for=unknown", "proto=http", 'for="127.0.0.1', ";;,", '"']) {
    assert.equal(client({ Forwarded: `for=127.0.0.1, ${hidden}` }).isLocal, false, hidden);
  }
});

Deno.test("a client cannot add headers of the other kind", () => {
  const both = client({
    ...{ "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http" },
    ...{ "X-Forwarded-Host": "evil.example" },
    Forwarded: 'for="127.0.0.1";proto=https;host=load.example.com',
  });
  assert.deepEqual(both, {
    address: PROXY,
    isLocal: false,
    isSecure: null,
    hosts: ["load.example.com", "evil.example"],
    prefix: "",
  });
});

Deno.test("scheme, hosts and prefix are those that the proxy names", () => {
  const named = client({
    ...{ "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http, https" },
    ...{ "X-Forwarded-Host": "a.example, b.example:8443", "X-Forwarded-Prefix": "/load/" },
  });
  assert.deepEqual([named.isSecure, named.hosts, named.prefix], [
    true,
    ["a.example", "b.example:8443"],
    "/load",
  ]);
  assert.equal(client({ "X-Forwarded-Proto": "gopher" }).isSecure, null);
  for (const prefix of ["load", "/a, /b", "/a;Path=/", "//evil.example"]) {
    assert.equal(client({ "X-Forwarded-Prefix": prefix }).prefix, "", prefix);
  }
});

Deno.test("a header that is too long to be read names no client", () => {
  for (const text of ["for=127.0.0.1,", '"', "a", "for="]) {
    const found = client({ Forwarded: text.repeat(16_000 / text.length) });
    assert.deepEqual([found.address, found.isLocal], [PROXY, false]);
  }
});
