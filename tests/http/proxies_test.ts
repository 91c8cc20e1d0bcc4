import assert from "node:assert/strict";
import { originOf, Proxies, type Proxy } from "../../src/http/proxies.ts";
import { WireError } from "../../src/http/request_error.ts";

function proxies(environment: Record<string, string>): Proxies {
  return new Proxies((name) => environment[name]);
}

function proxyFor(environment: Record<string, string>, url: string): Proxy | null {
  return proxies(environment).proxyFor(originOf(new URL(url)));
}

function through(environment: Record<string, string>, url: string): string | null {
  return proxyFor(environment, url)?.hostname ?? null;
}

Deno.test("each scheme has a variable, ALL_PROXY applies to both, and lower case takes precedence", () => {
  const all = {
    HTTP_PROXY: "http://one:1",
    HTTPS_PROXY: "http://two:2",
    ALL_PROXY: "http://all:3",
  };
  assert.equal(through(all, "http://target/"), "one");
  assert.equal(through(all, "https://target/"), "two");
  assert.equal(through({ ALL_PROXY: "http://all:3" }, "http://target/"), "all");
  assert.equal(through({ all_proxy: "http://all:3" }, "https://target/"), "all");
  assert.equal(through({ ...all, http_proxy: "http://lower:4" }, "http://target/"), "lower");
  assert.equal(through({ ...all, https_proxy: "http://lower:4" }, "https://target/"), "lower");
  assert.equal(through({ ...all, http_proxy: "" }, "http://target/"), "one");
  assert.equal(through({ HTTP_PROXY: "http://one:1" }, "https://target/"), null);
  assert.equal(through({}, "http://target/"), null);
});

Deno.test("scheme and port of a proxy's URL are optional, IPv6 has brackets", () => {
  const parsed = (value: string): Proxy | null => proxyFor({ HTTP_PROXY: value }, "http://target/");
  const plain = { port: 80, secure: false, authorization: null, socks: null };
  assert.deepEqual(parsed("proxy.test"), { ...plain, hostname: "proxy.test" });
  assert.deepEqual(parsed(" localhost:3128 "), { ...plain, hostname: "localhost", port: 3128 });
  assert.deepEqual(parsed("http://[::1]:8080/"), { ...plain, hostname: "::1", port: 8080 });
  assert.deepEqual(parsed("https://proxy"), {
    ...plain,
    hostname: "proxy",
    port: 443,
    secure: true,
  });
});

Deno.test("credentials become decoded Basic authorization in UTF-8", () => {
  const { authorization } = proxyFor(
    { HTTP_PROXY: "http://us%40er:p%3AÄ@proxy" },
    "http://target/",
  )!;
  assert.equal(authorization, `Basic ${btoa("us@er:p:\u00c3\u0084")}`);
  assert.equal(
    proxyFor({ HTTP_PROXY: "http://user@proxy" }, "http://target/")!.authorization,
    `Basic ${btoa("user:")}`,
  );
});

Deno.test("a percent sign that begins no escape stands for itself, and any byte can be escaped", () => {
  const { authorization } = proxyFor(
    { HTTP_PROXY: "http://u:50%off%zz%ff%25@proxy" },
    "http://a/",
  )!;
  assert.equal(authorization, `Basic ${btoa("u:50%off%zz\u00ff%")}`);
});

Deno.test("SOCKS 5: who looks up names, and with which credentials", () => {
  const parsed = (value: string): Proxy => proxyFor({ ALL_PROXY: value }, "https://target/")!;
  const common = { secure: false, authorization: null };
  assert.deepEqual(parsed("socks5://proxy.test"), {
    ...common,
    hostname: "proxy.test",
    port: 1080,
    socks: { resolvesNames: false, credentials: null },
  });
  assert.deepEqual(parsed("SOCKS5H://me:p%40ss@[::1]:80"), {
    ...common,
    hostname: "::1",
    port: 80,
    socks: {
      resolvesNames: true,
      credentials: {
        user: new TextEncoder().encode("me"),
        password: new TextEncoder().encode("p@ss"),
      },
    },
  });
});

Deno.test("an invalid proxy is an error that names the variable, and hides the password", () => {
  const message = (environment: Record<string, string>, url = "http://target/"): string => {
    try {
      proxyFor(environment, url);
    } catch (error) {
      assert.ok(error instanceof WireError);
      assert.equal(error.code, "BAD_REQUEST");
      assert.doesNotMatch(error.message, /secret/);
      return error.message;
    }
    throw new Error("nothing was wrong");
  };
  const form = "expected http://HOST:PORT or socks5://HOST:PORT";
  assert.equal(
    message({ HTTP_PROXY: "http://me:secret@ho st" }),
    `HTTP_PROXY is not the URL of a proxy, ${form} ` +
      "(special characters in a password are written as %23)",
  );
  assert.match(message({ HTTP_PROXY: "http://me:sec#ret@proxy:80" }), /written as %23/);
  assert.equal(
    message({ https_proxy: "proxy:0" }, "https://target/"),
    `https_proxy is not the URL of a proxy, ${form}`,
  );
  assert.equal(
    message({ ALL_PROXY: "socks4://me:secret@proxy:1080" }),
    "ALL_PROXY has the scheme socks4, expected http, https, socks5 or socks5h",
  );
  assert.match(
    message({ ALL_PROXY: `socks5://me:${"secret".repeat(50)}@proxy:1080` }),
    /^ALL_PROXY has a user name or password of over 255 bytes/,
  );
});

Deno.test("an invalid proxy that no request uses is no error", () => {
  const environment = { HTTPS_PROXY: "socks4://proxy", HTTP_PROXY: "ho st", NO_PROXY: "near.test" };
  assert.equal(through(environment, "https://near.test/"), null);
  assert.equal(through(environment, "http://near.test/"), null);
  assert.equal(through({ HTTPS_PROXY: "no://proxy" }, "http://target/"), null);
  assert.equal(through({ ALL_PROXY: "no://proxy", HTTP_PROXY: "http://one" }, "http://a/"), "one");
});

Deno.test("values that are empty or blank are none", () => {
  assert.equal(through({ http_proxy: " ", HTTP_PROXY: "", ALL_PROXY: "\t" }, "http://a/"), null);
  assert.equal(through({ http_proxy: " ", ALL_PROXY: " http://all " }, "http://a/"), "all");
  assert.equal(through({ HTTP_PROXY: "one", no_proxy: "", NO_PROXY: "a" }, "http://a/"), null);
});

Deno.test("NO_PROXY: everything, domains, ports, addresses and networks", () => {
  const direct = (list: string, url: string): boolean =>
    through({ ALL_PROXY: "http://proxy:1", NO_PROXY: list }, url) === null;

  assert.ok(direct("*", "http://target/"));

  for (const domain of ["example.com", ".example.com", "*.example.com", "EXAMPLE.com."]) {
    assert.ok(direct(`other, ${domain}`, "http://example.com/"), domain);
    assert.ok(direct(domain, "https://A.example.com/"), domain);
    assert.ok(direct(domain, "http://example.com./"), domain);
    assert.ok(!direct(domain, "http://notexample.com/"), domain);
    assert.ok(!direct(domain, "http://example.com.evil/"), domain);
  }

  assert.ok(direct("target:8080", "http://target:8080/"));
  assert.ok(direct("target:443", "https://target/"));
  assert.ok(!direct("target:8080", "http://target/"));

  assert.ok(direct("127.0.0.1", "http://127.0.0.1:81/"));
  assert.ok(!direct("127.0.0.1:80", "http://127.0.0.1:81/"));
  assert.ok(direct("::1", "http://[0:0::1]/"));
  assert.ok(direct("[::1]:81", "http://[::1]:81/"));
  assert.ok(!direct("[::1]:81", "http://[::1]/"));

  assert.ok(direct("10.0.0.0/8", "http://10.200.1.1/"));
  assert.ok(!direct("10.0.0.0/8", "http://11.0.0.1/"));
  assert.ok(!direct("10.0.0.0/8", "http://name/"));
  assert.ok(direct("fd00::/8", "http://[fd12::1]/"));
  assert.ok(direct("[fd00::]/8", "http://[fd12::1]/"));
  assert.ok(!direct("[fd00::]/16", "http://[fd12::1]/"));
  assert.ok(direct(" a\tb,,c ", "http://b/") && direct(" a\tb,,c ", "http://c/"));
  assert.ok(!direct("fd00::/8", "http://10.0.0.1/"));
  assert.ok(direct("0.0.0.0/0", "http://10.0.0.1/"));

  // Invalid entries are ignored.
  assert.ok(!direct("10.0.0.0/33,10.0.0.0/x,:80,/", "http://10.0.0.1/"));
});

Deno.test("lower-case no_proxy takes precedence, and this machine is not an exception", () => {
  const proxy = { HTTP_PROXY: "http://proxy:1" };
  assert.equal(through({ ...proxy, NO_PROXY: "a", no_proxy: "b" }, "http://a/"), "proxy");
  assert.equal(through({ ...proxy, NO_PROXY: "a", no_proxy: "b" }, "http://b/"), null);
  for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
    assert.equal(through(proxy, `http://${host}/`), "proxy");
  }
});
