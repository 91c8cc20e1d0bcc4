import assert from "node:assert/strict";
import {
  checkLocalAddresses,
  checkProxies,
  connectionOptions,
} from "../../src/cli/connection_options.ts";
import { UsageError } from "../../src/core/errors.ts";
import { DEFAULT_TLS } from "../../src/net/tls_settings.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { HttpUser } from "../../src/user/http_user.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";
import { discovered } from "../support/users.ts";

class PlainTest extends User {
  static localAddresses = ["10.0.0.1"];
  testNothing(): void {}
}

class NearTest extends FastHttpUser {
  static override localAddresses = ["127.0.0.2", "127.0.0.3"];
  testNothing(): void {}
}

class FarTest extends FastHttpUser {
  static override localAddresses = ["127.0.0.2", "10.0.0.9"];
  testNothing(): void {}
}

function refusalOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  return "none";
}

Deno.test("the options say how to connect", async () => {
  const args = [
    ...["--insecure", "--local-address", "127.0.0.2", "--local-address", "127.0.0.3"],
    ...["--connect-to", "a:80:b:", "--connect-to", "[::1]:::81", "--max-redirects", "0"],
    ...["--dns", "first", "--dns-ttl", "inf"],
  ];
  assert.deepEqual(await connectionOptions(new FakeHost(), await parse({ args })), {
    tls: { ...DEFAULT_TLS, insecure: true },
    localAddresses: ["127.0.0.2", "127.0.0.3"],
    connectTo: [
      { host: "a", port: 80, toHost: "b", toPort: null },
      { host: "::1", port: null, toHost: null, toPort: 81 },
    ],
    maxRedirects: 0,
    dns: "first",
    dnsTtlMs: Infinity,
  });
});

class ShopTest extends HttpUser {
  static override host = "http://shop.test";
  testNothing(): void {}
}

Deno.test("a proxy is checked if the host of a class would use it", () => {
  const check = (
    host: string | null,
    env: Record<string, string>,
    ...classes: UserClass[]
  ): string => {
    return refusalOf(() => checkProxies(new FakeHost({ env }), classes.map(discovered), host));
  };
  const env = { HTTP_PROXY: "socks4://proxy", HTTPS_PROXY: "ho st", NO_PROXY: "near.test" };
  const problem = "HTTP_PROXY has the scheme socks4, expected http, https, socks5 or socks5h";
  assert.equal(check(null, env, ShopTest), problem);
  assert.equal(check("http://far.test", env, NearTest), problem);
  assert.match(check("https://far.test", env, NearTest), /^HTTPS_PROXY is not the URL of a proxy/);
  assert.equal(check("http://near.test", env, NearTest, ShopTest), "none");
  assert.equal(check(null, env, NearTest), "none");
  assert.equal(check("http://far.test", env, PlainTest), "none");
});

Deno.test("local addresses of both families are refused", async () => {
  const options = await parse({ args: ["--local-address", "127.0.0.2,::1"] });
  await assert.rejects(connectionOptions(new FakeHost(), options), {
    name: "UsageError",
    message: "--local-address 127.0.0.2,::1: expected either IPv4 or IPv6 addresses",
  });
});

Deno.test("a local address must be one of this machine; the option replaces those of classes", () => {
  const check = (localAddresses: readonly string[], ...classes: UserClass[]): string => {
    const options = { localAddresses };
    return refusalOf(() => checkLocalAddresses(new FakeHost(), classes.map(discovered), options));
  };
  const problem = "not an address of this machine, which has 127.0.0.1";
  assert.equal(check([], PlainTest, NearTest), "none");
  assert.equal(check([], FarTest), `FarTest.localAddresses has "10.0.0.9": ${problem}`);
  assert.equal(check(["127.0.0.2"], FarTest), "none");
  assert.equal(check(["127.0.0.2", "10.0.0.8"]), `--local-address 10.0.0.8: ${problem}`);
});
