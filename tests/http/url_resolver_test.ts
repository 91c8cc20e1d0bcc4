import assert from "node:assert/strict";
import { UrlResolver } from "../../src/http/url_resolver.ts";

function hrefs(host: string, ...texts: string[]): string[] {
  const urls = new UrlResolver(host);
  return texts.map((text) => urls.resolve(text).url.href);
}

Deno.test("relative URLs are joined to the host, path included", () => {
  assert.deepEqual(
    hrefs("http://127.0.0.1:8000", "/a", "a", "", "?q=1", "//a", "/a b#c"),
    ["/a", "/a", "/", "/?q=1", "//a", "/a%20b"].map((path) => `http://127.0.0.1:8000${path}`),
  );
  assert.deepEqual(
    hrefs("http://127.0.0.1/api//", "/a", "a", "", "../b"),
    ["/api/a", "/api/a", "/api", "/b"].map((path) => `http://127.0.0.1${path}`),
  );
});

Deno.test("absolute URLs ignore the host", () => {
  assert.deepEqual(hrefs("http://127.0.0.1", "https://shop.test/x#y", "HTTP://a.test"), [
    "https://shop.test/x",
    "http://a.test/",
  ]);
});

Deno.test("the name is the path without its query", () => {
  const urls = new UrlResolver("http://127.0.0.1/api");
  assert.equal(urls.resolve("/search?q=1").name, "/api/search");
  assert.equal(urls.resolve("http://127.0.0.2").name, "/");
});

Deno.test("credentials become a header", () => {
  const { url, authorization } = new UrlResolver("").resolve("http://a:b%40c@127.0.0.1/");
  assert.equal(url.href, "http://127.0.0.1/");
  assert.equal(authorization, `Basic ${btoa("a:b@c")}`);
  assert.equal(new UrlResolver("").resolve("http://127.0.0.1/").authorization, null);
  const odd = new UrlResolver("http://j%C3%BC:50%off%2@127.0.0.1").resolve("/a");
  assert.deepEqual([odd.authorization, odd.name], [`Basic ${btoa("j\xc3\xbc:50%off%2")}`, "/a"]);
});

Deno.test("invalid URLs are refused each time", () => {
  const none = new UrlResolver("");
  for (let i = 0; i < 2; i++) {
    assert.throws(() => none.resolve("/a"), { name: "TypeError", message: /"\/a" is relative/ });
  }
  assert.throws(() => none.resolve("ftp://127.0.0.1/"), /not a URL that starts with http/);
  assert.throws(
    () => new UrlResolver("localhost:8000").resolve("/a"),
    /"localhost:8000\/a" is not a URL/,
  );
});

Deno.test("a known URL is not parsed again, and the oldest are evicted", () => {
  const urls = new UrlResolver("http://127.0.0.1");
  const first = urls.resolve("/0");
  assert.equal(urls.resolve("/0"), first);
  for (let i = 1; i < 1000; i++) urls.resolve(`/${i}`);
  assert.equal(urls.resolve("/0"), first);
  urls.resolve("/1000");
  assert.notEqual(urls.resolve("/0"), first);
  assert.equal(urls.resolve("/0").url.href, first.url.href);
});
