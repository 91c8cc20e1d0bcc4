import assert from "node:assert/strict";
import { configureLog, logger } from "../../src/core/logger.ts";

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
