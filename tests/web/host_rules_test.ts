import assert from "node:assert/strict";
import { HostRules, isEverywhere, isLoopback, urlHost } from "../../src/web/security.ts";

function allowed(bindHost: string, hosts: readonly string[]): string[] {
  const rules = new HostRules({ bindHost, port: 8089, hostname: "Laptop.example" });
  return hosts.filter((host) => rules.allow(host));
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

Deno.test("on loopback it has loopback's names, at its own port", () => {
  const own = ["127.0.0.1:8089", "localhost:8089", "[::1]:8089"];
  assert.deepEqual(allowed("127.0.0.1", HOSTS), own);
  assert.deepEqual(allowed("localhost", HOSTS), own);
  assert.deepEqual(allowed("::1", HOSTS), own);
  assert.deepEqual(allowed("127.0.0.2", ["127.0.0.2:8089", "127.0.0.3:8089"]), ["127.0.0.2:8089"]);
});

Deno.test("at one address or name it has that one beside them", () => {
  assert.deepEqual(allowed("10.1.2.3", HOSTS).slice(3), ["10.1.2.3:8089"]);
  assert.deepEqual(allowed("shop.example", HOSTS).slice(3), ["shop.example:8089"]);
  assert.deepEqual(allowed("fd00::1", HOSTS).slice(3), ["[fd00::1]:8089"]);
});

Deno.test("at every address it has those that nobody else can lead to it, at any port", () => {
  const foreign = ["shop.example:8089", "evil.example:8089", "127.0.0.1.evil.example:8089"];
  const own = HOSTS.filter((host) => !foreign.includes(host));
  assert.deepEqual(allowed("0.0.0.0", HOSTS), own);
  assert.deepEqual(allowed("::", HOSTS), own);
});

Deno.test("what is no Host is none of its names", () => {
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

Deno.test("port 80 goes without saying", () => {
  const rules = new HostRules({ bindHost: "127.0.0.1", port: 80, hostname: "laptop" });
  assert.equal(rules.allow("localhost"), true);
  assert.equal(rules.allow("localhost:80"), true);
  assert.equal(rules.allow("localhost:8089"), false);
});

Deno.test("which addresses are loopback's, and which are all", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1"]) {
    assert.equal(isLoopback(host), true, host);
    assert.equal(isEverywhere(host), false, host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.evil.example", "1127.0.0.1", "shop"]) {
    assert.equal(isLoopback(host), false, host);
  }
  assert.deepEqual(["0.0.0.0", "::", "10.0.0.1"].map(isEverywhere), [true, true, false]);
});

Deno.test("an IPv6 address has brackets in a URL", () => {
  assert.deepEqual(["::1", "10.0.0.1", "shop"].map(urlHost), ["[::1]", "10.0.0.1", "shop"]);
});
