/** Facts that pages repeat from the code. */

import assert from "node:assert/strict";
import { FILES_SENT_TO_WORKERS, SENT_TO_WORKERS, SETTINGS } from "../../src/cli/settings.ts";
import { projectPath } from "../support/paths.ts";

/** The section of a page below a heading, up to the next heading. */
async function sectionOf(page: string, heading: string): Promise<string> {
  const text = await Deno.readTextFile(projectPath(page));
  const section = text.split(`## ${heading}\n`)[1];
  assert.ok(section !== undefined, `${page} has no heading ${heading}`);
  return section.split(/^#+ /m)[0]!;
}

/** `masterBindPort` as it is written on a command line. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function flagsIn(text: string): string[] {
  return [...text.matchAll(/`(--[a-z-]+)`/g)].map(([, flag]) => flag!);
}

for (
  const [start, names] of [
    ["The options that define how users behave", SENT_TO_WORKERS],
    ["Three options name files", FILES_SENT_TO_WORKERS],
  ] as const
) {
  Deno.test(`docs/running-distributed.md lists what goes to workers: ${start}`, async () => {
    const section = await sectionOf("docs/running-distributed.md", "Which options go where");
    const paragraph = section.split("\n\n").find((one) => one.startsWith(start));
    assert.ok(paragraph !== undefined);
    const [list] = paragraph.split(/\.\s/);
    assert.deepEqual(flagsIn(list!).sort(), names.map(flagOf).sort());
  });
}

Deno.test("SECURITY.md lists every option that opens a port", async () => {
  const section = await sectionOf("SECURITY.md", "Open ports");
  const ports = Object.keys(SETTINGS).filter((name) => /port$/i.test(name)).map(flagOf);
  const connects = ["--master-port"];
  assert.deepEqual(
    flagsIn(section).filter((flag) => flag.endsWith("port")).sort(),
    [
      ...ports.filter((flag) => !connects.includes(flag)),
    ].sort(),
  );
});

Deno.test("CONTRIBUTING.md names the tools that CI installs for tests", async () => {
  const script = await Deno.readTextFile(projectPath(".ci/run"));
  const tools = [...script.matchAll(/^need (\S+)/gm)].map(([, tool]) => tool!);
  const contributing = await Deno.readTextFile(projectPath("CONTRIBUTING.md"));
  const [, sentence = ""] = /^End-to-end tests use ([^]+?), and the executable/m.exec(
    contributing,
  )!;
  const named = new Set(sentence.split(/,\s+|\s+and\s+/));
  // CI unpacks kubectl and helm with it.
  const missing = tools.filter((tool) => !named.has(tool) && tool !== "unzip");
  assert.ok(tools.length > 10);
  assert.deepEqual(missing, []);
});
