import assert from "node:assert/strict";
import { configureLog, type LogEntry, logger } from "../../src/core/logger.ts";

Deno.test("records below the level are left out, and each line has its time and level", async () => {
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

Deno.test("the entry that a line shows comes with it", async () => {
  const entries: LogEntry[] = [];
  await configureLog("INFO", (_, entry) => entries.push(entry));
  const before = Date.now();
  logger.warn("slow: {name}", { name: 7 });
  assert.deepEqual(entries.map(({ level, text }) => `${level} ${text}`), ["WARNING slow: 7"]);
  assert.ok(entries[0]!.at >= before && entries[0]!.at <= Date.now());
});

Deno.test("text is logged as it is at every level, braces included", async () => {
  const texts: string[] = [];
  await configureLog("DEBUG", (_, entry) => texts.push(entry.text));
  const text = 'got {"code":500}, {}, {{x}}, {name}, {constructor}, {*}, {a.b} and a lone {';
  for (const level of ["debug", "info", "warn", "error", "fatal"] as const) logger[level](text);
  assert.deepEqual(texts, Array(5).fill(text));
});

Deno.test("only placeholders that have a property are filled in", async () => {
  const texts: string[] = [];
  await configureLog("INFO", (_, entry) => texts.push(entry.text));
  logger.info('{name} sent {"code":500} and {other}, {toString}', { name: "{other}", ms: 7 });
  logger.info("{error} {list} {nothing}", { error: "E", list: [1], nothing: undefined });
  assert.deepEqual(texts, [
    '{other} sent {"code":500} and {other}, {toString}',
    "E [ 1 ] undefined",
  ]);
});
