import assert from "node:assert/strict";
import { closeMetrics } from "../../src/user/websocket_metrics.ts";

Deno.test("thresholds can use every code of a close, if the test file has WebSockets", () => {
  const sent = { name: "ws_messages_sent", type: "counter", unit: "" } as const;
  const names = closeMetrics([sent]).map(({ name }) => name);
  for (const code of ["1000", "1011", "3019", "4000", "other"]) {
    assert.ok(names.includes(`ws_closes_${code}`), code);
  }
  // It is among those that are declared.
  assert.ok(!names.includes("ws_closes_1006"));
  assert.deepEqual(closeMetrics([{ ...sent, name: "orders" }]), []);
});
