import assert from "node:assert/strict";
import firstFiles from "../../src/cli/first_files.json" with { type: "json" };
import { compareHelpText, demoHelpText, initHelpText, quickHelpText } from "../../src/cli/help.ts";
import { main } from "../../src/cli/main.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { DEMO_SETTINGS, QUICK_SETTINGS, SETTINGS } from "../../src/cli/settings.ts";
import { kebabCase } from "../../src/cli/sources.ts";
import { FakeHost } from "../support/fake_host.ts";

const QUICK = quickHelpText().split("\n");
const DEMO = demoHelpText().split("\n");
const INIT = initHelpText().split("\n");
const COMPARE = compareHelpText().split("\n");

async function help(addFlags?: (line: CommandLine) => void): Promise<string[]> {
  const line = await CommandLine.preview(new FakeHost({ args: ["--help"], columns: 200 }));
  addFlags?.(line);
  return line.help().split("\n");
}

Deno.test("help fits into 80 columns", async () => {
  for (const line of [...await help(), ...QUICK, ...DEMO, ...INIT, ...COMPARE]) {
    assert.ok(line.length <= 80, line);
  }
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

Deno.test("help begins with the commands, each of which has a help of its own", async () => {
  const usage = (await help()).join("\n").split("\n\n", 1)[0]!;
  const commands = usage.split("\n").map((line) => /aiotest (\w+)/.exec(line)?.[1] ?? "run");
  assert.deepEqual(commands, ["run", "init", "quick", "demo", "compare"]);
  for (const command of commands.slice(1)) {
    const host = new FakeHost({ args: [command, "--help"] });
    assert.equal(await main(host), 0);
    assert.ok(host.stdout.text.startsWith(`Usage: aiotest ${command} `));
  }
});

Deno.test("help ends with examples of what people do, and nothing behind them", async () => {
  const lines = await help();
  const examples = lines.slice(lines.indexOf("Examples:") + 1);
  assert.equal(examples.pop(), "");
  const occasions = examples.join("\n").split("\n\n");
  assert.equal(occasions.length, 6);
  for (const occasion of occasions) assert.match(occasion, /^ {2}\S.*:(\n {4}aiotest .+)+$/);
});

Deno.test("every group of options is a heading of help, and stands there once", async () => {
  const groups = new Set(Object.values(SETTINGS).map(({ group }) => group));
  const headings = (await help()).filter((line) => /^\w.*:$/.test(line));
  assert.deepEqual(headings, [...groups, "Other:", "Examples:"]);
});

Deno.test("help of quick names its own flags, and none that it would refuse", () => {
  const text = QUICK.join("\n");
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]!);
  const settings = Object.keys(QUICK_SETTINGS).map(kebabCase);
  assert.deepEqual(flags.toSorted(), [...settings, "config", "help", "version"].sort());
  assert.ok(text.includes("-m, --method <NAME>"));
  assert.ok(text.includes("(default: 50)"));
});

Deno.test("help of demo names the flags that mean something there, with the demo's defaults", () => {
  const text = DEMO.join("\n");
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]!);
  const settings = Object.keys(DEMO_SETTINGS).map(kebabCase);
  assert.deepEqual(flags.toSorted(), [...settings, "config", "help", "version"].sort());
  assert.ok(text.includes("users to run (default: 20)"));
});

Deno.test("help of init says what it writes", () => {
  const text = INIT.join("\n");
  for (const name of Object.keys(firstFiles)) assert.ok(text.includes(name), name);
  assert.ok(!text.includes("--users"));
});

Deno.test("help of compare names its own flags, and no configuration file", () => {
  const flags = [...COMPARE.join("\n").matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)];
  assert.deepEqual(flags.map((match) => match[1]), ["max-regression", "json", "version", "help"]);
  assert.ok(COMPARE.join("\n").includes("(default: 5%)"));
});

Deno.test("flags of the test file are shown with their defaults", async () => {
  const lines = await help(({ parser }) => {
    parser.option("-k, --tenant <name>", "whose data", "nobody");
  });
  const heading = lines.indexOf("Of the test file:");
  assert.equal(lines[heading + 1], "  -k, --tenant <name>            whose data (default: nobody)");
});
