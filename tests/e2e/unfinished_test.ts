import { parse } from "csv-parse/sync";
import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { ReportContent } from "../../src/web/report_content.ts";
import { sentIn } from "../support/counting_target.ts";
import { checkJunit, elementsOf, parseXml } from "../support/junit.ts";
import { runAiotest } from "../support/process.ts";

const USERS = 5;
const ANSWERED = 40;

const TEST = `
import { FastHttpUser } from "aiotest";
export class StallTest extends FastHttpUser {
  static waitTime = 0;
  async testGet() { await this.session.get("/stall"); }
}
`;

/** A server that answers some requests, and then takes requests and never answers. */
class HangingTarget implements AsyncDisposable {
  readonly url: string;
  requests = 0;
  readonly #stop = new AbortController();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      signal: this.#stop.signal,
      onListen: () => {},
    }, () => ++this.requests <= ANSWERED ? new Response("ok") : new Promise(() => {}));
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

/** The rows of a CSV file by column title. */
function rowsOf(text: string): Record<string, string>[] {
  return parse(text, { columns: true });
}

for (const processes of [1, 2]) {
  const where = processes === 1 ? "one process" : `${processes} processes`;
  Deno.test(`requests that are never answered are in every output of ${where}`, async () => {
    await using target = new HangingTarget();
    const cwd = await Deno.makeTempDir();
    await Deno.writeTextFile(`${cwd}/stall.ts`, TEST);
    const { stdout, stderr } = await runAiotest([
      ...["-f", "stall.ts", "-H", target.url, "-u", String(USERS), "-r", "100", "-t", "2s"],
      ...["--stop-timeout", "1", "--processes", String(processes), "--no-web"],
      ...["--json", "run.json", "--html", "run.html", "--csv", "run", "--junit", "run.xml"],
    ], { cwd });
    const read = (name: string): Promise<string> => Deno.readTextFile(`${cwd}/${name}`);

    const { totals, requests: [row] }: Summary = JSON.parse(await read("run.json"));
    assert.equal(target.requests, ANSWERED + USERS, stderr);
    assert.deepEqual([totals.requests, totals.failures], [ANSWERED, 0]);
    assert.equal(totals.unfinished.count, USERS);
    assert.equal(target.requests, sentIn(totals));
    // Each has waited at least as long as the stop timeout.
    assert.ok(totals.unfinished.oldestMs! >= 1000, String(totals.unfinished.oldestMs));
    assert.ok(totals.latencyMs.p99! >= 1000, String(totals.latencyMs.p99));
    assert.ok(totals.lowerBounds.includes("p99") && !totals.lowerBounds.includes("p50"));
    assert.deepEqual(row!.unfinished, totals.unfinished);

    const html = await read("run.html");
    const data = html.split('<script id="data" type="application/json">')[1]!.split(
      "</script>",
    )[0]!;
    const { view }: ReportContent = JSON.parse(data);
    assert.deepEqual(view.totals.unfinished, totals.unfinished);
    assert.deepEqual(view.requests[0]!.lowerBounds, totals.lowerBounds);

    const [stats, all] = rowsOf(await read("run_stats.csv"));
    for (const line of [stats!, all!]) {
      assert.equal(line["Unfinished Count"], String(USERS));
      assert.equal(Number(line["Oldest Unfinished Time"]), totals.unfinished.oldestMs);
      assert.equal(Number(line["99%"]), totals.latencyMs.p99);
    }
    const history = rowsOf(await read("run_stats_history.csv"));
    assert.equal(history.at(-1)!["Total Unfinished Count"], String(USERS));

    const report = parseXml(await read("run.xml"));
    checkJunit(report);
    const outputs = elementsOf(report, "system-out").map(({ text }) => text);
    assert.ok(outputs.some((text) => text.includes(`unfinished: ${USERS} (after up to `)));

    assert.match(stdout, /^Type +Name +Reqs +Fails +Fail% +Unfin /m);
    assert.match(stdout, /^GET +\/stall +40 +0 +0% +5 +≥/m);
    assert.match(stdout, /^ +5 +GET +\/stall +\d\.\d\d s$/m);
    await Deno.remove(cwd, { recursive: true });
  });
}
