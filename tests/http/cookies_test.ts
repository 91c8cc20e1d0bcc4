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
    {
      name: "sid",
      value: "abc",
      domain: "www.shop.example.com",
      path: "/a",
      hostOnly: true,
      expires: null,
      secure: false,
      httpOnly: true,
      sameSite: null,
    },
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

/** `Set-Cookie` headers of cookies that are numbered from one number to another. */
function numbered(from: number, to: number, attributes = ""): string[] {
  return Array.from({ length: to - from }, (_, i) => `c${from + i}=1${attributes}`);
}

function names(cookies: CookieStore, url?: string): string[] {
  return cookies.all(url).map(({ name }) => name);
}

/** Waits for the next millisecond, because the jar remembers times in milliseconds. */
function tick(): void {
  for (const now = Date.now(); Date.now() === now;);
}

Deno.test("a target that sets one cookie after another does not make requests longer", () => {
  const cookies = new CookieStore("");
  for (let response = 0; response < 1000; response++) {
    cookies.store([`visit${response}=1`], SHOP);
  }
  assert.equal(cookies.all().length, 50);
  assert.ok(cookies.header(SHOP).length < 700);
  assert.equal(names(cookies).at(-1), "visit999");
});

Deno.test("of over 50 cookies of a domain, the one that was not used for the longest time goes", () => {
  const cookies = new CookieStore("");
  cookies.store(["old=1; Path=/old", "used=1; Path=/used", ...numbered(0, 48)], SHOP);
  tick();
  assert.equal(cookies.header(new URL("/used", SHOP)), "used=1");
  tick();
  cookies.store(numbered(48, 49), SHOP);
  assert.equal(names(cookies).length, 50);
  assert.equal(cookies.get("old"), undefined);
  cookies.store(numbered(49, 97), SHOP);
  assert.equal(cookies.get("used"), "1");
  cookies.store(["again=1"], SHOP);
  assert.equal(cookies.get("used"), undefined);
  assert.equal(cookies.get("c49"), "1");
});

Deno.test("replacing a cookie removes no other one", () => {
  const cookies = new CookieStore("");
  cookies.store(numbered(0, 50), SHOP);
  for (let round = 0; round < 3; round++) cookies.store(numbered(0, 50), SHOP);
  assert.deepEqual(names(cookies), numbered(0, 50).map((one) => one.replace("=1", "")));
});

Deno.test("cookies that have expired go before others", () => {
  const cookies = new CookieStore("");
  cookies.store(numbered(0, 50), SHOP);
  cookies.store(["gone=1; Max-Age=0", "gone2=1; Max-Age=0"], SHOP);
  assert.equal(names(cookies, SHOP.href).length, 50);
  cookies.store(["c3=1; Max-Age=0", "new=1"], SHOP);
  assert.equal(names(cookies, SHOP.href).length, 50);
  assert.equal(cookies.get("c3"), undefined);
  assert.equal(cookies.get("c0"), "1");
});

Deno.test("each domain has its own 50 cookies, and all have 3000 together", () => {
  const cookies = new CookieStore("");
  for (let host = 0; host < 60; host++) {
    cookies.store(numbered(0, 50), new URL(`http://h${host}.test/`));
  }
  assert.equal(cookies.all().length, 3000);
  tick();
  const kept = cookies.header(new URL("http://h0.test/"));
  assert.equal(kept.split(";").length, 50);
  for (let host = 60; host < 64; host++) {
    cookies.store(numbered(0, 50), new URL(`http://h${host}.test/`));
    assert.equal(cookies.all().length, 3000);
  }
  assert.equal(cookies.header(new URL("http://h0.test/")), kept);
  assert.equal(names(cookies, "http://h1.test/").length, 0);
});

Deno.test("cookies of servers are ignored beyond 4 KiB, and those of tests are refused", () => {
  const cookies = new CookieStore(SHOP.origin);
  const fits = "x".repeat(4095);
  cookies.store([`a=${fits}`, `bb=${fits}`, `c=1; Path=/${"p".repeat(9000)}`], SHOP);
  cookies.store(["d=1"], new URL(`/${"p".repeat(9000)}/`, SHOP));
  assert.deepEqual(names(cookies), ["a"]);
  cookies.set("e", fits);
  assert.equal(cookies.get("e"), fits);
  assert.throws(() => cookies.set("ff", fits), {
    name: "TypeError",
    message: 'the cookie "ff" has 4097 bytes in name and value, but at most 4096 are allowed',
  });
});

Deno.test("a cookie that cannot be sent is refused when it is set", () => {
  const store = new CookieStore("http://127.0.0.1");
  store.set("name", "\xfc");
  assert.throws(() => store.set("name", "안"), {
    message: /"name" contains "안".*encodeURIComponent/,
  });
});

Deno.test("all shows what a cookie says about itself", () => {
  const cookies = new CookieStore("http://127.0.0.1");
  const expires = new Date(Date.now() + 3_600_000);
  expires.setMilliseconds(0);
  cookies.store([
    `a=1; Domain=example.com; Secure; SameSite=Lax; Expires=${expires.toUTCString()}`,
    "b=2; Max-Age=60; SameSite=whatever",
  ], SHOP);
  cookies.set("c", "3");
  const [a, b, c] = cookies.all();
  assert.deepEqual([a!.hostOnly, a!.secure, a!.httpOnly, a!.sameSite], [false, true, false, "lax"]);
  assert.equal(a!.expires!.getTime(), expires.getTime());
  assert.ok(Math.abs(b!.expires!.getTime() - Date.now() - 60_000) < 30_000);
  assert.deepEqual([b!.hostOnly, b!.sameSite, c!.hostOnly, c!.expires], [true, null, true, null]);
});

Deno.test("delete removes the cookies with a name, of all URLs or of one", () => {
  const cookies = new CookieStore("");
  cookies.store(["a=1; Path=/a", "a=2; Path=/", "b=3; Path=/"], SHOP);
  cookies.store(["a=4"], new URL("http://127.0.0.1/"));
  assert.equal(cookies.delete("a", "http://127.0.0.1/"), true);
  assert.equal(sentTo(cookies, "http://127.0.0.1/"), "");
  assert.equal(sentTo(cookies, SHOP.href), "a=1; a=2; b=3");
  assert.equal(cookies.delete("a"), true);
  assert.equal(cookies.delete("a"), false);
  assert.equal(sentTo(cookies, SHOP.href), "b=3");
  assert.equal(new CookieStore("").delete("a"), false);
});
