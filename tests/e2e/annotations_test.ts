import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { Summary } from "../../src/report/summary.ts";
import { runAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { Target } from "../support/target.ts";

const test = sideBySide("annotations of real runs", 2);

const TEST = `
import { events, FastHttpUser, run } from "aiotest";
events.on("testStart", () => run.annotate("ready to start"));
export class ShopTest extends FastHttpUser {
  async testShop() {
    await this.session.get("/");
    if (this.run.runTime > 1) this.run.annotate("deployed\\nversion 2");
  }
}
`;

for (const [where, args] of [["local", []], ["on workers", ["--processes", "2"]]] as const) {
  test(`what happens during a run is in its log and its summary: ${where}`, async () => {
    await using target = new Target({ "/": () => new Response("hello") });
    const folder = await mkdtemp(`${tmpdir()}/annotations-`);
    await writeFile(`${folder}/shop.ts`, TEST);
    const { code, stderr } = await runAiotest(
      [
        ...["-f", "shop.ts", "-H", target.url, "-u", "4", "-r", "4", "-t", "3s", ...args],
        ...["--threshold", "max<1us", "--json", "out.json", "--html", "out.html"],
      ],
      { cwd: folder },
    );
    assert.equal(code, 3, stderr);
    const summary: Summary = JSON.parse(await readFile(`${folder}/out.json`, "utf8"));
    const of = (kind: string): Summary["annotations"] =>
      summary.annotations.filter((one) => one.kind === kind);
    assert.match(of("threshold")[0]!.text, /^max<1us crossed: [\d.,]+ ms$/);
    const deployed = of("note").filter(({ text }) => text.includes("deployed"));
    assert.equal(deployed[0]!.text, "deployed version 2");
    assert.ok(deployed.every(({ atSeconds }) => atSeconds > 1 && atSeconds < 4));
    // Not once for each of the requests.
    assert.ok(deployed.length <= 4, String(deployed.length));
    assert.ok(
      of("note").some(({ text, atSeconds }) => text === "ready to start" && atSeconds === 0),
    );
    const isLocal = where === "local";
    assert.ok(deployed.every(({ node }) => (node === "local") === isLocal));
    assert.match(
      stderr,
      isLocal ? /At 1 s: deployed version 2\n/ : /At 1 s: deployed version 2 \(/,
    );
    assert.match(stderr, /At \d s: max<1us crossed: /);
    const html = await readFile(`${folder}/out.html`, "utf8");
    assert.match(html, /"text":"deployed version 2"/);
    await rm(folder, { recursive: true });
  });
}
