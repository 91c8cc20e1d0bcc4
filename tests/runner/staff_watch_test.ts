import assert from "node:assert/strict";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { WorkerHealth } from "../../src/runner/master.ts";

Deno.test("each worker is watched by itself", () => {
  const watch = new WorkerHealth();
  const [busy, calm] = ["busy", "calm"].map((id, index) => {
    const member = new WorkerState({ id, incarnation: id, index, host: "box" });
    member.cpu = id === "busy" ? 0.98 : 0.3;
    return member;
  });
  const said: string[] = [];
  for (let second = 0; second < 6; second++) {
    said.push(...watch.note(busy!), ...watch.note(calm!));
  }
  assert.ok(said.length > 0);
  assert.ok(said.every((text) => text.startsWith("Worker busy used over 90 % of a core")));
});
