/** What the pages for people of other tools say that aiotest has. */

import assert from "node:assert/strict";
import { commandFlags } from "../../src/cli/flag_parser.ts";
import { readThreshold } from "../../src/stats/thresholds.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { projectPath } from "../support/paths.ts";

const COMMANDS = ["run", "quick", "demo", "compare", "report", "history", "init"] as const;
const FLAGS = new Set(COMMANDS.flatMap(commandFlags).flatMap(({ long, short }) => [long, short]));

/** The code in the columns about aiotest, which are the last ones of the tables. */
async function equivalentsIn(page: string): Promise<string[]> {
  const text = await Deno.readTextFile(projectPath(page));
  const cells = [...text.matchAll(/^\|.* \| (.*) \|$/gm)].map(([, cell]) => cell!);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!));
}

for (const page of ["docs/from-k6.md", "docs/from-gatling.md", "docs/from-artillery.md"]) {
  const codes = await equivalentsIn(page);

  Deno.test(`the options that ${page} gives as equivalents exist`, () => {
    const flags = codes.flatMap((code) => code.match(/(?<=^| )--?[a-z][a-z-]*/g) ?? []);
    assert.ok(flags.length > 5, String(flags.length));
    assert.deepEqual(flags.filter((flag) => !FLAGS.has(flag)), []);
  });

  Deno.test(`the thresholds that ${page} gives as equivalents can be read`, () => {
    const expressions = codes.filter((code) =>
      /^[a-z][\w.]*(?:\[.*\]|\{.*\})*[<>=]=?\S+$/.test(code)
    );
    assert.ok(expressions.length > 5, String(expressions.length));
    assert.deepEqual(expressions.filter((one) => "problem" in readThreshold(one)), []);
  });

  Deno.test(`the static members that ${page} gives as equivalents exist`, () => {
    const members = codes.flatMap((code) => /^static (\w+)/.exec(code)?.[1] ?? []);
    assert.ok(members.length > 5, String(members.length));
    assert.deepEqual(members.filter((name) => !(name in FastHttpUser)), []);
  });
}
