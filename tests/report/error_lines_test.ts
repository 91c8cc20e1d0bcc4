import assert from "node:assert/strict";
import { errorLines } from "../../src/report/live_panel.ts";
import { renderLine } from "../../src/report/terminal.ts";
import { statistics } from "../support/snapshots.ts";

const TROUBLE = statistics({
  failures: [
    { method: "POST", name: "/orders", error: "HTTP 503", count: 1204 },
    { method: "GET", name: "/", error: "TIMEOUT", count: 3 },
  ],
  userErrors: [{ user: "Shopper", error: "TypeError: no basket", count: 17 }],
});

function lines(most: number, color = false): string[] {
  return errorLines(TROUBLE, most).map((line) => renderLine(line, 60, color));
}

Deno.test("what goes wrong most often comes first, whether a request or a user's code", () => {
  assert.deepEqual(lines(9), [
    "errors      1,204 × HTTP 503  POST /orders",
    "               17 × TypeError: no basket  Shopper",
    "                3 × TIMEOUT  GET /",
  ]);
  assert.deepEqual(lines(1), ["errors      1,204 × HTTP 503  POST /orders"]);
});

Deno.test("nothing wrong, or no room, is no line", () => {
  assert.deepEqual(errorLines(statistics(), 9), []);
  assert.deepEqual(lines(0), []);
  assert.deepEqual(lines(-1), []);
});

Deno.test("errors are red, and who had them is not", () => {
  assert.ok(
    lines(1, true)[0]!.endsWith("\x1b[31m1,204 × HTTP 503\x1b[0m\x1b[2m  POST /orders\x1b[0m"),
  );
});
