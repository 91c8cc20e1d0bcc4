import assert from "node:assert/strict";
import { areOneFamily, isSourceAddress } from "../../src/http/local_addresses.ts";

Deno.test("a source address is an IP address that one machine can have", () => {
  for (const address of ["127.0.0.2", "10.0.0.1", "::1", "2001:db8::5", "fe80::1%eth0"]) {
    assert.ok(isSourceAddress(address), address);
  }
  const others = [
    "",
    "eth0",
    "localhost",
    "10.0.0",
    "[::1]",
    "10.0.0.1:80",
    "10.0.0.1/24",
    5,
    null,
  ];
  const shared = ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "ff02::1%eth0"];
  for (const value of [...others, ...shared]) assert.ok(!isSourceAddress(value), String(value));
});

Deno.test("addresses of one family are all IPv4 or all IPv6", () => {
  for (const addresses of [[], ["10.0.0.1"], ["10.0.0.1", "10.0.0.2"], ["::1", "fe80::1%eth0"]]) {
    assert.ok(areOneFamily(addresses));
  }
  assert.ok(!areOneFamily(["10.0.0.1", "::1"]));
});
