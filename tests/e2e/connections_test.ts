import assert from "node:assert/strict";
import { runAiotest } from "../support/process.ts";
import { Target } from "../support/target.ts";

Deno.test("--connect-to leads connections elsewhere; the Host header stays that of the URL", async () => {
  await using target = new Target({ "/": () => new Response("ok") });
  const { port } = new URL(target.url);
  const { code, stderr } = await runAiotest([
    ...["quick", "http://shop.invalid/", "-n", "5", "-u", "1"],
    ...["--connect-to", `other.invalid:80:127.0.0.1:1,shop.invalid:80:127.0.0.1:${port}`],
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(target.requests.length, 5);
  assert.equal(target.last.headers.get("host"), "shop.invalid");
});
