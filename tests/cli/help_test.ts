import assert from "node:assert/strict";
import firstFiles from "../../src/cli/first_files.json" with { type: "json" };
import { commandHelpText } from "../../src/cli/help.ts";
import { main } from "../../src/cli/main.ts";
import { CommandLine } from "../../src/cli/options.ts";
import { kebabCase, type Setting } from "../../src/cli/setting_types.ts";
import { DEMO_SETTINGS, QUICK_SETTINGS, SETTINGS } from "../../src/cli/settings.ts";
import { FakeHost } from "../support/fake_host.ts";

const QUICK = commandHelpText("quick").split("\n");
const DEMO = commandHelpText("demo").split("\n");
const INIT = commandHelpText("init").split("\n");
const COMPARE = commandHelpText("compare").split("\n");

async function help(addFlags?: (line: CommandLine) => void): Promise<string[]> {
  const line = await CommandLine.preview(new FakeHost({ args: ["--help"], columns: 200 }));
  addFlags?.(line);
  return line.help().split("\n");
}

/** Flags that are no settings. */
const OTHERS = ["config", "config-schema", "help", "version"];

Deno.test("help fits into 80 columns", async () => {
  for (const line of [...await help(), ...QUICK, ...DEMO, ...INIT, ...COMPARE]) {
    assert.ok(line.length <= 80, line);
  }
});

Deno.test("help names every flag once, with its default", async () => {
  const text = (await help()).join("\n");
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]);
  assert.equal(new Set(flags).size, flags.length);
  assert.equal(flags.length, Object.keys(SETTINGS).length + 4);
  const words = text.replaceAll(/\s+/g, " ");
  for (
    const part of [
      "--aiotestfile <PATH> test file to run (default: aiotestfile.ts)",
      "--users <N> number of users (default: 1)",
      "20s, 3m, 1h20m (default: no limit)",
      "when users stop (default: 2)",
      "or CRITICAL (default: INFO)",
      "file to write the log to (default: standard error)",
    ]
  ) {
    assert.ok(words.includes(part), part);
  }
  assert.ok(!text.includes("wight"));
});

Deno.test("help starts with the commands, each of which has its own help", async () => {
  const usage = (await help()).join("\n").split("\n\n", 1)[0]!;
  const commands = usage.split("\n").map((line) => /aiotest (\w+)/.exec(line)?.[1] ?? "run");
  assert.deepEqual(commands, [
    ...["run", "check", "init", "quick", "demo"],
    ...["control", "history", "compare", "report"],
  ]);
  for (const command of commands.slice(1)) {
    const host = new FakeHost({ args: [command, "--help"] });
    assert.equal(await main(host), 0);
    assert.ok(host.stdout.text.startsWith(`Usage: aiotest ${command} `));
  }
});

Deno.test("help ends with examples", async () => {
  const lines = await help();
  const examples = lines.slice(lines.indexOf("Examples:") + 1);
  assert.equal(examples.pop(), "");
  const occasions = examples.join("\n").split("\n\n");
  assert.equal(occasions.length, 6);
  for (const occasion of occasions) assert.match(occasion, /^ {2}\S.*:(\n {4}aiotest .+)+$/);
});

Deno.test("every group of options is one heading in help", async () => {
  const groups = new Set(Object.values(SETTINGS).map(({ group }) => group));
  const headings = (await help()).filter((line) => /^\w.*:$/.test(line));
  assert.deepEqual(headings, [...groups, "Other:", "Examples:"]);
});

Deno.test("help of quick lists its own flags, and none that it refuses", () => {
  const text = QUICK.join("\n");
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]!);
  const settings = Object.keys(QUICK_SETTINGS).map(kebabCase);
  assert.deepEqual(flags.toSorted(), [...settings, ...OTHERS].sort());
  assert.ok(text.includes("-m, --method <NAME>"));
  assert.match(text, /\(default:\s+50\)/);
});

Deno.test("help of demo lists the demo's flags with their defaults", () => {
  const text = DEMO.join("\n");
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]!);
  const settings = Object.entries<Setting<unknown>>(DEMO_SETTINGS)
    .filter(([, { hidden }]) => hidden !== true).map(([name]) => kebabCase(name));
  assert.deepEqual(flags.toSorted(), [...settings, ...OTHERS].sort());
  assert.ok(text.includes("number of users (default: 20)"));
});

Deno.test("help of init names the files that it creates", () => {
  const text = INIT.join("\n");
  for (const name of Object.keys(firstFiles)) assert.ok(text.includes(name), name);
  assert.ok(!text.includes("--users"));
});

Deno.test("help of compare lists its own flags, and no configuration file", () => {
  const flags = [...COMPARE.join("\n").matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)];
  assert.deepEqual(flags.map((match) => match[1]), [
    ...["max-regression", "json", "markdown", "history", "version", "help"],
  ]);
  assert.ok(COMPARE.join("\n").includes("(default: 5%)"));
});

Deno.test("flags of the test file are shown with their defaults", async () => {
  const lines = await help(({ parser }) => {
    parser.option("-k, --tenant <name>", "whose data", "nobody");
  });
  const heading = lines.indexOf("Options of the test file:");
  assert.match(lines[heading + 1]!, /^ {2}-k, --tenant <name> +whose data \(default: nobody\)$/);
});
