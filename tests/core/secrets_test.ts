import assert from "node:assert/strict";
import { isSecretName, maskedHeader, maskedJson, maskedUrl } from "../../src/core/secrets.ts";

const HEADERS: [name: string, value: string, shown: string][] = [
  ["Authorization", "Bearer abc.def", "Bearer …"],
  ["authorization", "abc", "…"],
  ["Proxy-Authorization", "Basic dTpw", "Basic …"],
  ["Cookie", "a=1; b=x=y; c", "a=…; b=…;…"],
  ["Set-Cookie", "session=abc; Path=/; HttpOnly", "session=…; Path=/; HttpOnly"],
  ["x-api-key", "abc", "…"],
  ["X-Auth-Token", "abc", "…"],
  ["location", "/new?access_token=abc&x=1", "/new?access_token=…&x=1"],
  ["referer", "http://u:p@shop/", "http://…@shop/"],
  ["content-type", "application/json; charset=utf-8", "application/json; charset=utf-8"],
];

for (const [name, value, shown] of HEADERS) {
  Deno.test(`the header ${name}: ${value} is shown as ${shown}`, () => {
    assert.equal(maskedHeader(name, value), shown);
  });
}

Deno.test("names of secrets end with a word for one", () => {
  for (const name of ["password", "newPassword", "client_secret", "refresh-token", "apiKey"]) {
    assert.ok(isSecretName(name), name);
  }
  for (const name of ["tokens_used", "passwordless", "key", "monkey", "author", ""]) {
    assert.ok(!isSecretName(name), name);
  }
});

Deno.test("parameters of a URL that are secrets are hidden, and no others", () => {
  assert.equal(
    maskedUrl("https://ann:pw@shop/a?token=x%20y&page=2#id_token=z"),
    "https://…@shop/a?token=…&page=2#id_token=…",
  );
});

Deno.test("fields of JSON that are secrets are hidden, whatever their type, and also where the text ends", () => {
  assert.equal(
    maskedJson('{"a": "b", "password" : "x\\"y", "pin": 1, "token":12.5, "inner":{"secret":"z'),
    '{"a": "b", "password" : "…", "pin": 1, "token":"…", "inner":{"secret":"…"',
  );
});

Deno.test("hiding takes a time in proportion to the length of the text", () => {
  const text = '"\\"'.repeat(100_000);
  const startedAt = performance.now();
  maskedJson(text);
  maskedUrl("?a".repeat(100_000));
  assert.ok(performance.now() - startedAt < 5_000);
});
