import assert from "node:assert/strict";
import { quickHelpText } from "../../src/cli/help_text.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { kebabCase } from "../../src/cli/config_file.ts";
import { QUICK_SETTINGS } from "../../src/cli/quick_settings.ts";
import { SETTINGS } from "../../src/cli/settings.ts";
import { FakeHost } from "../support/fake_host.ts";

const QUICK = quickHelpText().split("\n");

async function help(addFlags?: (line: CommandLine) => void): Promise<string[]> {
  const line = await CommandLine.preview(new FakeHost({ args: ["--help"], columns: 200 }));
  addFlags?.(line);
  return line.help().split("\n");
}

Deno.test("help fits into 80 columns", async () => {
  for (const line of [...await help(), ...QUICK]) assert.ok(line.length <= 80, line);
});

Deno.test("help names every flag once, with its default", async () => {
  const text = (await help()).join("\n");
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]);
  assert.equal(new Set(flags).size, flags.length);
  assert.equal(flags.length, Object.keys(SETTINGS).length + 3);
  const words = text.replaceAll(/\s+/g, " ");
  for (
    const part of [
      "--aiotestfile <PATH> the test file (default: aiotestfile.ts)",
      "--users <N> users to run (default: 1)",
      "from the test's start (default: no end)",
      "may still run (default: 2)",
      "or CRITICAL (default: INFO)",
      "where the log goes (default: standard error)",
    ]
  ) {
    assert.ok(words.includes(part), part);
  }
  assert.ok(!text.includes("wight"));
});

Deno.test("help ends with examples, and nothing behind them", async () => {
  const lines = await help();
  const examples = lines.slice(lines.indexOf("Examples:") + 1);
  assert.equal(examples.pop(), "");
  assert.equal(examples.length, 7);
  for (const line of examples) assert.match(line, /^ {2}aiotest /);
});

Deno.test("help of quick names its own flags, and none that it would refuse", () => {
  const text = QUICK.join("\n");
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]!);
  const settings = Object.keys(QUICK_SETTINGS).map(kebabCase);
  assert.deepEqual(flags.toSorted(), [...settings, "config", "help", "version"].sort());
  assert.ok(text.includes("-m, --method <NAME>"));
  assert.ok(text.includes("(default: 50)"));
});

Deno.test("flags of the test file are shown with their defaults", async () => {
  const lines = await help(({ parser }) => {
    parser.option("-k, --tenant <name>", "whose data", "nobody");
  });
  const heading = lines.indexOf("Of the test file:");
  assert.equal(lines[heading + 1], "  -k, --tenant <name>            whose data (default: nobody)");
});
