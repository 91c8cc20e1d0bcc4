import assert from "node:assert/strict";
import { looksSecret, publicText } from "../../src/cli/run_metadata.ts";

Deno.test("names of secrets are told from others", () => {
  const secret = [
    ...["token", "webToken", "api-key", "API_KEY", "apiKey", "shopPassword", "dbPasswd", "pwd"],
    ...[
      "clientSecret",
      "authorization",
      "sessionCookie",
      "PIN",
      "privateKey",
      "credentials",
      "jwt",
    ],
  ];
  const open = [
    ...["users", "passes", "monkey", "keyboard", "author", "spinUp", "tlsKey", "tls-cert"],
    ...["tenant", "sessions", "host"],
  ];
  assert.deepEqual(secret.filter((name) => !looksSecret(name)), []);
  assert.deepEqual(open.filter(looksSecret), []);
});

Deno.test("a URL loses who asks and the secrets among its parameters", () => {
  const cases: [string, string][] = [
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
    ["https://me:s3cret@shop.example/a@b", "https://…@shop.example/a@b"],
    ["redis://:p%40ss@box:6379/0", "redis://…@box:6379/0"],
    ["redis://:pa/ss@wo@box:6379", "redis://…@box:6379"],
    ["https://x.example/?q=boots&api_key=abc#top", "https://x.example/?q=boots&api_key=…#top"],
    ["https://x.example/?%74oken=abc", "https://x.example/?%74oken=…"],
    ["aiotest quick http://me:s3cret@x/", "aiotest quick http://…@x/"],
    ["me@example.org", "me@example.org"],
    ["p95<200ms", "p95<200ms"],
  ];
  for (const [text, shown] of cases) assert.equal(publicText(text), shown, text);
});
