import assert from "node:assert/strict";
import {
  AllowedHosts,
  hostPattern,
  isAnyAddress,
  isLoopback,
} from "../../src/web/allowed_hosts.ts";

const AT = { port: 8089, hostname: "Laptop.example", allowedHosts: [], isTls: false };

function allowed(bindHost: string, hosts: readonly string[]): string[] {
  const rules = new AllowedHosts({ ...AT, bindHost });
  return hosts.filter((host) => rules.allows(host));
}

const HOSTS = [
  "127.0.0.1:8089",
  "localhost:8089",
  "[::1]:8089",
  "127.0.0.1:9000",
  "127.0.0.1",
  "laptop.example:8089",
  "LAPTOP.EXAMPLE:9000",
  "10.1.2.3:8089",
  "10.1.2.3",
  "[fd00::1]:8089",
  "master:8089",
  "shop.example:8089",
  "evil.example:8089",
  "127.0.0.1.evil.example:8089",
];

Deno.test("on loopback, the names of loopback are allowed, with the port", () => {
  const own = ["127.0.0.1:8089", "localhost:8089", "[::1]:8089"];
  assert.deepEqual(allowed("127.0.0.1", HOSTS), own);
  assert.deepEqual(allowed("localhost", HOSTS), own);
  assert.deepEqual(allowed("::1", HOSTS), own);
  assert.deepEqual(allowed("127.0.0.2", ["127.0.0.2:8089", "127.0.0.3:8089"]), ["127.0.0.2:8089"]);
});

Deno.test("at one address or name, that one is allowed too", () => {
  assert.deepEqual(allowed("10.1.2.3", HOSTS).slice(3), ["10.1.2.3:8089"]);
  assert.deepEqual(allowed("shop.example", HOSTS).slice(3), ["shop.example:8089"]);
  assert.deepEqual(allowed("fd00::1", HOSTS).slice(3), ["[fd00::1]:8089"]);
});

Deno.test("at all addresses, names that cannot be rebound are allowed, with any port", () => {
  const foreign = ["shop.example:8089", "evil.example:8089", "127.0.0.1.evil.example:8089"];
  const own = HOSTS.filter((host) => !foreign.includes(host));
  assert.deepEqual(allowed("0.0.0.0", HOSTS), own);
  assert.deepEqual(allowed("::", HOSTS), own);
});

Deno.test("an invalid Host is not allowed", () => {
  const bad = [
    "",
    ":8089",
    "127.0.0.1:8089:8089",
    "127.0.0.1:808a",
    "127.0.0.1:123456",
    "127.0.0.1, evil.example",
    "[::1",
    "[evil.example]:8089",
    "evil.example/127.0.0.1:8089",
    "user@127.0.0.1:8089",
    "127.0.0.1:8089 ",
    "localhost.:8089",
  ];
  assert.deepEqual(allowed("127.0.0.1", bad), []);
  assert.deepEqual(allowed("0.0.0.0", bad), []);
});

Deno.test("port 80 may be omitted", () => {
  const rules = new AllowedHosts({ ...AT, bindHost: "127.0.0.1", port: 80 });
  assert.equal(rules.allows("localhost"), true);
  assert.equal(rules.allows("localhost:80"), true);
  assert.equal(rules.allows("localhost:8089"), false);
});

Deno.test("loopback addresses and wildcard addresses are recognized", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1"]) {
    assert.equal(isLoopback(host), true, host);
    assert.equal(isAnyAddress(host), false, host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.evil.example", "1127.0.0.1", "shop"]) {
    assert.equal(isLoopback(host), false, host);
  }
  assert.deepEqual(["0.0.0.0", "::", "10.0.0.1"].map(isAnyAddress), [true, true, false]);
});

const PROXIES = new AllowedHosts({
  ...AT,
  bindHost: "127.0.0.1",
  allowedHosts: ["load.example.com", "*.preview.example.com", "[fd00::1]", "192.0.2.7"],
});

Deno.test("the names of proxies are allowed, at any port", () => {
  const names = [
    ...["load.example.com", "load.example.com:8443", "LOAD.Example.com", "load.example.com."],
    ...["load.example.com.:443", "a.preview.example.com", "a.b.preview.example.com:1"],
    ...["[fd00::1]", "[FD00::1]:443", "192.0.2.7", "127.0.0.1:8089"],
  ];
  assert.deepEqual(names.filter((name) => !PROXIES.allows(name)), []);
  const others = [
    ...["example.com", "xload.example.com", "load.example.com.evil.example", "load.example.com.."],
    ...["preview.example.com", "xpreview.example.com", "*.preview.example.com.evil.example"],
    ...["[fd00::2]", "192.0.2.70", "127.0.0.1:9000", "load.example.com@evil.example", "fd00::1"],
  ];
  assert.deepEqual(others.filter((name) => PROXIES.allows(name)), []);
});

Deno.test("pages of proxies may send requests, whatever Host the proxy sends", () => {
  const from = (origin: string, host = "127.0.0.1:8089"): boolean =>
    PROXIES.allowsOrigin(origin, host);
  for (const origin of ["https://load.example.com", "http://load.example.com:8080"]) {
    assert.equal(from(origin), true, origin);
  }
  assert.equal(from("https://a.preview.example.com"), true);
  assert.equal(from("https://[fd00::1]:8443"), true);
  assert.equal(from("http://127.0.0.1:8089"), true);
  const others = [
    ...["null", "", "load.example.com", "ftp://load.example.com", "https://evil.example"],
    ...["https://load.example.com.evil.example", "https://evil.example/load.example.com"],
    ...["https://https://load.example.com", "http://127.0.0.1:9000"],
  ];
  assert.deepEqual(others.filter((origin) => from(origin)), []);
});

Deno.test("a name is written as browsers send it", () => {
  const written: [text: string, pattern: string | null][] = [
    ["load.example.com", "load.example.com"],
    ["LOAD.example.com.", "load.example.com"],
    ["*.Example.com", "*.example.com"],
    ["*.a.example.co.uk", "*.a.example.co.uk"],
    ["münchen.example", "xn--mnchen-3ya.example"],
    ["*.münchen.example", "*.xn--mnchen-3ya.example"],
    ["load", "load"],
    ["10.0.0.7", "10.0.0.7"],
    ["fd00::1", "[fd00::1]"],
    ["[FD00::0001]", "[fd00::1]"],
    ...[
      ...["", ".", "*", "*.", "*.com", "*.*.example.com", "a.*.example.com", "*example.com"],
      ...["https://load.example.com", "load.example.com:443", "load.example.com/", "user@load"],
      ...["load example.com", "*.10.0.0.7", "*.[fd00::1]", "[fd00::1]:443", "[load.example.com]"],
    ].map((text): [string, null] => [text, null]),
  ];
  for (const [text, pattern] of written) assert.equal(hostPattern(text), pattern, text);
});
