import assert from "node:assert/strict";
import {
  lacksDescriptors,
  type LocalFailureCode,
  localFailureOf,
} from "../../src/core/local_failures.ts";

function withCode(code: string): Error {
  return Object.assign(new Error("it failed"), { code });
}

Deno.test("an error, or one of its causes, says which resource was missing", () => {
  const fetched = (text: string): Error =>
    new TypeError("fetch failed", { cause: new Error(`client error (Connect): ${text}`) });
  const cases: [unknown, LocalFailureCode][] = [
    [withCode("EMFILE"), "EMFILE"],
    [withCode("ENFILE"), "EMFILE"],
    [withCode("EADDRNOTAVAIL"), "EADDRNOTAVAIL"],
    [withCode("ENOBUFS"), "ENOBUFS"],
    [withCode("ENOMEM"), "ENOBUFS"],
    [withCode("EAGAIN"), "ENOBUFS"],
    [new Deno.errors.AddrNotAvailable("no address"), "EADDRNOTAVAIL"],
    [fetched("tcp open error: Too many open files (os error 24)"), "EMFILE"],
    [fetched("tcp connect error: Cannot assign requested address (os error 99)"), "EADDRNOTAVAIL"],
    [fetched("tcp connect error: No buffer space available (os error 105)"), "ENOBUFS"],
    [fetched("tcp connect error: Cannot allocate memory (os error 12)"), "ENOBUFS"],
    [
      new Error("Failed to load platform certificates: Too many open files (os error 24)"),
      "EMFILE",
    ],
  ];
  for (const [error, code] of cases) assert.equal(localFailureOf(error), code, String(error));
});

Deno.test("all other errors, and whatever else is thrown, are not local failures", () => {
  const loop = new Error("loop");
  loop.cause = loop;
  const hostile = new Error("hostile");
  Object.defineProperty(hostile, "code", {
    get(): never {
      throw new Error("no");
    },
  });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (
    const error of [
      withCode("ECONNREFUSED"),
      new Deno.errors.ConnectionReset("reset (os error 104)"),
      loop,
      hostile,
      proxy,
      "EMFILE",
      null,
      undefined,
      Symbol("EMFILE"),
    ]
  ) assert.equal(localFailureOf(error), null);
});

Deno.test("a shortage of descriptors is remembered, because look-ups report it late", () => {
  assert.equal(localFailureOf(withCode("EMFILE")), "EMFILE");
  assert.equal(lacksDescriptors(), Deno.build.os !== "windows");
});
