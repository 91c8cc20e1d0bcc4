import assert from "node:assert/strict";
import { isRedirect, nextRequest, type RedirectedRequest } from "../../src/http/redirects.ts";

// The transports' contract tests what goes over the wire. Here is what it does not show.

const POST: RedirectedRequest = {
  method: "POST",
  url: new URL("https://shop.test/a/b?c=d"),
  headers: [["Content-Type", "x"], ["CONTENT-length", "3"], ["Expect", "y"], ["Trailer", "z"], [
    "Accept",
    "z",
  ]],
  body: new Uint8Array(3),
};

function to(location: string, request = POST, status = 307): RedirectedRequest | null {
  return nextRequest(request, { status, locations: () => [location] }, 0, 20);
}

Deno.test("only five statuses redirect", () => {
  const statuses = Array.from({ length: 100 }, (_, index) => 300 + index).filter(isRedirect);
  assert.deepEqual(statuses, [301, 302, 303, 307, 308]);
});

Deno.test("locations are relative to the URL of the redirect", () => {
  assert.equal(to("c")?.url.href, "https://shop.test/a/c");
  assert.equal(to("/c#top")?.url.href, "https://shop.test/c");
  assert.equal(to("?e=f")?.url.href, "https://shop.test/a/b?e=f");
  assert.equal(to("//other.test")?.url.href, "https://other.test/");
  assert.equal(to("https://user:word@shop.test/")?.url.href, "https://shop.test/");
});

Deno.test("bytes beyond ASCII in a location are escaped one by one, whatever their charset", () => {
  const utf8 = String.fromCharCode(...new TextEncoder().encode("/안?q=ü"));
  assert.equal(to(utf8)?.url.href, "https://shop.test/%EC%95%88?q=%C3%BC");
  assert.equal(to("/\xfc?q=\xfc#\xfc")?.url.href, "https://shop.test/%FC?q=%FC");
  const host = String.fromCharCode(...new TextEncoder().encode("//bücher.test/"));
  assert.equal(to(host)?.url.href, "https://xn--bcher-kva.test/");
});

Deno.test("equal locations are one, different ones are refused without their passwords", () => {
  const following = (locations: string[]): RedirectedRequest | null =>
    nextRequest(POST, { status: 307, locations: () => locations }, 0, 20);
  assert.equal(following(["/x", "", "/x"])?.url.href, "https://shop.test/x");
  assert.throws(() => following(["/x", "https://me:s3cret@shop.test/"]), {
    code: "BAD_REDIRECT",
    message: /different Location headers: "\/x" and "https:\/\/…@shop\.test\/"/,
  });
  assert.throws(() => to("http://me:s3cret@[/"), { message: /: "http:\/\/…@\[\/" cannot be/ });
});

Deno.test("when POST becomes GET, the headers of its body are dropped", () => {
  const next = to("/", POST, 302);
  assert.deepEqual(next?.headers, [["Accept", "z"]]);
  assert.equal(next?.body, null);
});

Deno.test("another scheme, host or port is another origin", () => {
  const request: RedirectedRequest = {
    ...POST,
    headers: [["AUTHORIZATION", "x"], ["Cookie", "y"], ["HOST", "virtual.test"], [
      "Proxy-Authorization",
      "z",
    ]],
  };
  const kept = (location: string): number | undefined => to(location, request)?.headers.length;
  assert.equal(kept("https://shop.test:443/"), 4);
  assert.equal(kept("http://shop.test/"), 0);
  assert.equal(kept("https://www.shop.test/"), 0);
  assert.equal(kept("https://shop.test:444/"), 0);
});

Deno.test("a stream that need not be sent again can be redirected", () => {
  const request: RedirectedRequest = { ...POST, body: ReadableStream.from([new Uint8Array(1)]) };
  assert.equal(to("/", request, 303)?.body, null);
  assert.throws(() => to("/", request, 308), { code: "BAD_REDIRECT", message: /a stream/ });
});

Deno.test("a redirect without a location is not followed", () => {
  for (const locations of [[], [""], ["", ""]]) {
    const response = { status: 302, locations: () => locations };
    assert.equal(nextRequest(POST, response, 20, 20), null);
  }
});
