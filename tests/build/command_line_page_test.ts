import assert from "node:assert/strict";
import { commandLinePage } from "../../build/command_line_page.ts";
import { SETTINGS } from "../../src/cli/settings.ts";

const PAGE = [
  "# Options",
  "<!-- options of aiotest -->\noutdated\n<!-- end of options -->",
  "between",
  "<!-- options of quick -->\n<!-- end of options -->",
  "end",
].join("\n");

Deno.test("slots are filled, and what stands around them stays", () => {
  const page = commandLinePage(PAGE);
  assert.ok(page.startsWith("# Options\n<!-- options of aiotest -->\n\n**Test**\n"));
  assert.ok(page.endsWith("\n<!-- end of options -->\nend"));
  assert.ok(page.includes("<!-- end of options -->\nbetween\n<!-- options of quick -->"));
  assert.ok(!page.includes("outdated"));
  assert.equal(commandLinePage(page), page);
});

Deno.test("each option has a row with its default and its meaning", () => {
  const [, ofAiotest = ""] = commandLinePage(PAGE).split("<!--");
  assert.equal(ofAiotest.match(/^\| `-/gm)?.length, Object.keys(SETTINGS).length);
  for (
    const row of [
      "| `-u, --users <N>` | 1 | number of users |",
      "| `-t, --run-time <T>` | no limit | duration of the test: seconds, or a time like 20s, 3m, 1h20m |",
      "| `--master-bind-host <H>` | \\* | address that the master listens on; \\*: all interfaces |",
      "| `--insecure` |  | accept any TLS certificate from the target |",
      "| `--show-users-weight` |  | print the share of each user class as JSON, then exit |",
    ]
  ) {
    assert.ok(ofAiotest.includes(`${row}\n`), row);
  }
});

Deno.test("a page that has lost a slot is a mistake", () => {
  assert.throws(
    () => commandLinePage("<!-- options of aiotest -->\n<!-- end of options -->"),
    /no slot for the options of quick/,
  );
});
