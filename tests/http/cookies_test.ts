import assert from "node:assert/strict";
import { CookieStore } from "../../src/http/cookies.ts";

const SHOP = new URL("https://www.shop.example.com/a/b");

function sentTo(cookies: CookieStore, url: string): string {
  return cookies.header(new URL(url));
}

Deno.test("a cookie without Domain is sent to its host only", () => {
  const cookies = new CookieStore("");
  cookies.store(["own=1; Path=/", "wide=2; Domain=example.com; Path=/"], SHOP);
  assert.equal(sentTo(cookies, "https://www.shop.example.com/"), "own=1; wide=2");
  assert.equal(sentTo(cookies, "https://cdn.example.com/"), "wide=2");
  assert.equal(sentTo(cookies, "https://example.com/"), "wide=2");
  assert.equal(sentTo(cookies, "https://notexample.com/"), "");
});

Deno.test("cookies that a host must not set are ignored", () => {
  const cookies = new CookieStore("");
  cookies.store([
    "a=1; Domain=other.com",
    "b=2; Domain=com",
    "",
    "=;",
    "c=3; Domain=x.www.shop.example.com",
  ], SHOP);
  assert.deepEqual(cookies.all(), []);
});

Deno.test("a host without a registrable domain can name itself in Domain", () => {
  for (const host of ["127.0.0.1", "localhost", "intranet"]) {
    const cookies = new CookieStore("");
    cookies.store([`a=1; Domain=${host}`], new URL(`http://${host}/`));
    assert.equal(sentTo(cookies, `http://${host}/`), "a=1", host);
  }
});

Deno.test("a Secure cookie is not sent over plain HTTP, not even to this machine", () => {
  const cookies = new CookieStore("");
  cookies.store(["a=1; Secure"], new URL("https://localhost/"));
  assert.equal(sentTo(cookies, "http://localhost/"), "");
  assert.equal(sentTo(cookies, "https://localhost/"), "a=1");
});

Deno.test("get and all return the cookies of all URLs or of one", () => {
  const cookies = new CookieStore("");
  cookies.store(["sid=abc; HttpOnly; Path=/a", "gone=1; Max-Age=0"], SHOP);
  cookies.store(["other=1"], new URL("http://127.0.0.1/"));
  assert.equal(cookies.get("sid"), "abc");
  assert.equal(cookies.get("sid", "https://www.shop.example.com/"), undefined);
  assert.equal(cookies.get("sid", "https://www.shop.example.com/a/x"), "abc");
  assert.equal(cookies.get("gone"), undefined);
  assert.deepEqual(cookies.all(SHOP.href), [
    { name: "sid", value: "abc", domain: "www.shop.example.com", path: "/a" },
  ]);
  assert.deepEqual(cookies.all().map(({ name }) => name), ["sid", "other"]);
});

Deno.test("set sets a cookie for all paths of one host", () => {
  const cookies = new CookieStore("http://127.0.0.1:8000/api");
  cookies.set("token", "a b");
  cookies.set("token", "t");
  cookies.set("elsewhere", "e", "http://127.0.0.2/deep/er");
  assert.equal(sentTo(cookies, "http://127.0.0.1/x/y"), "token=t");
  assert.equal(sentTo(cookies, "http://127.0.0.2/"), "elsewhere=e");
});

Deno.test("set refuses characters that would end the cookie or the header", () => {
  const cookies = new CookieStore("http://127.0.0.1");
  for (
    const [name, value] of [["", "x"], ["a b", "x"], ["a=", "x"], ["a", "x;y"], [
      "a",
      "x\r\ny",
    ]] as const
  ) {
    assert.throws(() => cookies.set(name, value), TypeError);
  }
  assert.throws(() => new CookieStore("").set("a", "b"), TypeError);
  assert.deepEqual(cookies.all(), []);
});
