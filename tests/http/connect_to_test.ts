import assert from "node:assert/strict";
import { connectedEndpoint, type ConnectTo, parseConnectTo } from "../../src/http/connect_to.ts";

const RULES: [text: string, rule: ConnectTo][] = [
  [
    "shop.example:443:127.0.0.1:8443",
    { host: "shop.example", port: 443, toHost: "127.0.0.1", toPort: 8443 },
  ],
  ["::127.0.0.1:8443", { host: null, port: null, toHost: "127.0.0.1", toPort: 8443 }],
  ["shop.example::staging:", { host: "shop.example", port: null, toHost: "staging", toPort: null }],
  [":443::8443", { host: null, port: 443, toHost: null, toPort: 8443 }],
  [":::", { host: null, port: null, toHost: null, toPort: null }],
  ["[::1]:80:[2001:DB8::0:5]:81", { host: "::1", port: 80, toHost: "2001:db8::5", toPort: 81 }],
  ["a:80:[fe80::1%eth0]:", { host: "a", port: 80, toHost: "fe80::1%eth0", toPort: null }],
  [
    "BÜCHER.example:80:Localhost:80",
    { host: "xn--bcher-kva.example", port: 80, toHost: "localhost", toPort: 80 },
  ],
];

for (const [text, rule] of RULES) {
  Deno.test(`connect-to ${text}`, () => assert.deepEqual(parseConnectTo(text), rule));
}

const INVALID = [
  ...["", "a", "a:1", "a:1:b", "a:1:b:2:c", "a:x:b:2", "a:1:b:0", "a:65536:b:2", "a:-1:b:2"],
  ...["::1:80:b:80", "[::1:80:b:80", "[x]:80:b:80", "a b:80:b:80", "u@a:80:b:80", "a/b:80:b:80"],
  ...["a?:80:b:80", "[fe80::1%]:1:b:2", "[%eth0]:1:b:2", "a:1:http://b:2", "a%41:1:b:2"],
];

for (const text of INVALID) {
  Deno.test(`connect-to cannot be ${JSON.stringify(text)}`, () => {
    assert.equal(parseConnectTo(text), null);
  });
}

function endpoint(rules: readonly string[], hostname: string, port: number): string {
  const to = connectedEndpoint(rules.map((text) => parseConnectTo(text)!), { hostname, port });
  return `${to.hostname} ${to.port}`;
}

Deno.test("the first rule that matches host and port applies, and leaves what it does not name", () => {
  const rules = ["a:80::", "a::b:", ":443:c:8443", "[::1]:80::81"];
  assert.equal(endpoint(rules, "a", 80), "a 80");
  assert.equal(endpoint(rules, "a", 443), "b 443");
  assert.equal(endpoint(rules, "x", 443), "c 8443");
  assert.equal(endpoint(rules, "::1", 80), "::1 81");
  assert.equal(endpoint(rules, "x", 80), "x 80");
});

Deno.test("without a rule that matches, the endpoint is the same object", () => {
  const to = { hostname: "a", port: 80 };
  assert.equal(connectedEndpoint([], to), to);
  assert.equal(connectedEndpoint([parseConnectTo("b:80:c:80")!], to), to);
});
