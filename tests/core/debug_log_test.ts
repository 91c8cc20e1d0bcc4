import assert from "node:assert/strict";
import { DebugLog } from "../../src/core/debug_log.ts";
import { configureLog } from "../../src/core/logger.ts";

Deno.test("each topic is limited by itself, and what is left out is counted", async () => {
  const texts: string[] = [];
  await configureLog("DEBUG", (_, { level, text }) => texts.push(`${level} ${text}`));
  const log = new DebugLog();
  for (let user = 1; user <= 50; user++) log.add("users", `User ${user} has started {x}.`);
  log.add("cluster", "Assignment 1.");
  log.flush();
  await configureLog("INFO", () => {});
  assert.deepEqual(texts, [
    ...Array.from({ length: 20 }, (_, index) => `DEBUG User ${index + 1} has started {x}.`),
    "DEBUG Assignment 1.",
    "DEBUG Other lines about users, left out here: 30",
  ]);
});

Deno.test("it is on at the level DEBUG only", async () => {
  const log = new DebugLog();
  const isOn: boolean[] = [];
  for (const level of ["INFO", "DEBUG", "CRITICAL"] as const) {
    await configureLog(level, () => {});
    isOn.push(log.isOn);
  }
  assert.deepEqual(isOn, [false, true, false]);
});
