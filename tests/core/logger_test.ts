import assert from "node:assert/strict";
import { configureLog, type LogEntry, logger } from "../../src/core/logger.ts";

Deno.test("records below the level are left out, and each line bears time and level", async () => {
  const lines: string[] = [];
  await configureLog("WARNING", (line) => lines.push(line));
  logger.debug("d");
  logger.info("i");
  logger.warn("slow: {name}", { name: "search" });
  logger.error("e");
  logger.fatal("f");
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} WARNING {2}slow: /);
  assert.match(lines[0]!, /search/);
  assert.match(lines[1]!, / ERROR {4}e$/);
  assert.match(lines[2]!, / CRITICAL f$/);
});

Deno.test("a new configuration replaces the old one", async () => {
  const first: string[] = [];
  const second: string[] = [];
  await configureLog("INFO", (line) => first.push(line));
  await configureLog("DEBUG", (line) => second.push(line));
  logger.debug("now");
  assert.deepEqual([first.length, second.length], [0, 1]);
});

Deno.test("what a line is made of comes with it", async () => {
  const entries: LogEntry[] = [];
  await configureLog("INFO", (_, entry) => entries.push(entry));
  const before = Date.now();
  logger.warn("slow: {name}", { name: 7 });
  assert.deepEqual(entries.map(({ level, text }) => `${level} ${text}`), ["WARNING slow: 7"]);
  assert.ok(entries[0]!.at >= before && entries[0]!.at <= Date.now());
});
