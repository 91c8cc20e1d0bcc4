import { Ajv } from "ajv";
import { parse } from "csv-parse/sync";
import assert from "node:assert/strict";
import { histogramOf, type Summary, type SummaryTotals } from "../../src/report/summary.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { isMissing } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";

const DOCS = projectPath("docs");
const PAGE = await Deno.readTextFile(`${DOCS}/summary.md`);
const SCHEMA: Schema = JSON.parse(await Deno.readTextFile(`${DOCS}/summary.schema.json`));

/** As much of a JSON Schema as is looked at. */
interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** Latencies of 0.001 ms to some minutes, failures, an error of the user's, and a name without any. */
const SHOP = `
import { User } from "aiotest";
let count = 0;
export class ShopTest extends User {
  static waitTime = 0.005;
  testSearch() {
    const latencyMs = 2 ** ((count++ * 7919) % 2800 / 100 - 10);
    this.record({ method: "GET", name: "search", latencyMs, bytes: 123 });
  }
  testOrder() {
    const error = count % 3 === 0 ? "HTTP 503" : null;
    this.record({ method: "POST", name: 'order "1"', latencyMs: 0.0001, error });
    if (count % 50 === 0) throw new Error("out of stock");
  }
}
`;

const BREAKS = `
import { LoadUserShape, stepUntilItBreaks, User } from "aiotest";
export const thresholds = ["p95<100ms"];
export class ShopTest extends User {
  static waitTime = 0.01;
  testSearch() {
    this.record({ name: "search", latencyMs: this.run.userCount * 20 });
  }
}
export class TestShape extends LoadUserShape {
  static curve = stepUntilItBreaks({ stepSeconds: 1, users: { from: 2, step: 4, to: 20 } });
}
`;

const OPEN = ["--arrival-rate", "50", "--max-users", "20"];
const THRESHOLDS = ["p95<1ms", "error_rate<100%", "count>=1", "rps>=1", "p50[GET none]<1s"]
  .flatMap((expression) => ["--threshold", expression]);

const RUNS: readonly (readonly [what: string, test: string, args: readonly string[]])[] = [
  ["a local run", SHOP, ["-u", "5", "-r", "100", "-t", "1.5", ...THRESHOLDS]],
  ["passes on a schedule", SHOP, [...OPEN, "-t", "1.5", "--threshold", "dropped<10"]],
  ["two workers", SHOP, ["-u", "4", "-r", "100", "-t", "1.5", "--processes", "2"]],
  ["a load that breaks something", BREAKS, []],
];

async function summaryOf(test: string, args: readonly string[]): Promise<Summary> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${cwd}/aiotestfile.ts`, test);
    const { code, stderr } = await runAiotest(["--json", "summary.json", ...args], { cwd });
    assert.notEqual(code, 2, stderr);
    return JSON.parse(await Deno.readTextFile(`${cwd}/summary.json`));
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

for (const [what, test, args] of RUNS) {
  Deno.test(`the summary of ${what} matches its schema, without extra fields`, async () => {
    const summary = await summaryOf(test, args);
    const validate = new Ajv({ allowUnionTypes: true }).compile(SCHEMA);
    assert.ok(validate(summary), JSON.stringify(validate.errors));
    assert.deepEqual(unknownFields(summary, [SCHEMA], ""), []);
    assert.equal(summary.iterations !== null, args === OPEN || args.includes(OPEN[0]!));
    assert.equal(summary.breakingPoint !== null, test === BREAKS);
  });
}

Deno.test("the schema rejects other documents", async () => {
  const summary = await summaryOf(SHOP, ["-t", "1"]);
  const validate = new Ajv({ allowUnionTypes: true }).compile(SCHEMA);
  const { totals: _, ...without } = summary;
  const wrong: unknown[] = [
    without,
    { ...summary, schema: 1 },
    { ...summary, startedAt: "yesterday" },
    { ...summary, users: { peak: -1, final: 0 } },
    { ...summary, requests: [summary.totals] },
    { ...summary, totals: { ...summary.totals, histogram: "?" } },
    { ...summary, iterations: {} },
  ];
  for (const content of wrong) assert.equal(validate(content), false);
});

Deno.test("the page explains every field", () => {
  const names = new Set<string>();
  const collect = (schema: Schema): void => {
    for (const [name, part] of Object.entries(schema.properties ?? {})) {
      names.add(name);
      collect(part);
    }
    const parts = [schema.items, ...schema.allOf ?? [], ...schema.anyOf ?? []];
    for (const part of parts) if (part !== undefined) collect(part);
  };
  collect(SCHEMA);
  for (const part of Object.values(SCHEMA.definitions!)) collect(part);
  assert.ok(names.size > 50, String(names.size));
  assert.deepEqual([...names].filter((name) => !PAGE.includes(`\`${name}\``)), []);
});

/** A decoder's code, as the page shows it. */
function codeOf(language: string): string {
  return PAGE.split(`\`\`\`${language}\n`)[1]!.split("\n```\n")[0]!;
}

const SHARES = [0, 0.5, 0.75, 0.9, 0.95, 0.99, 1];

/** Percentiles as aiotest itself reads them. */
function percentiles({ histogram }: SummaryTotals): (number | null)[] {
  return SHARES.map((share) => histogramOf(histogram).percentile(share));
}

Deno.test("the page's JavaScript reads a summary", async () => {
  const summary = await summaryOf(SHOP, ["-u", "5", "-r", "100", "-t", "1.5"]);
  const { bucketsOf, percentileOf } = await import(
    `data:text/javascript,${encodeURIComponent(codeOf("js"))}`
  );
  for (const entry of [summary.totals, ...summary.requests]) {
    const buckets: { from: number; to: number; count: number }[] = bucketsOf(entry.histogram);
    const counted = [...buckets, ...bucketsOf(entry.failureHistogram)];
    assert.equal(counted.reduce((sum, { count }) => sum + count, 0), entry.requests);
    assert.equal(entry.failureLatencyMs === null, entry.failures === 0);
    for (const { from, to } of buckets) assert.ok(to > from && to <= from * 1.001);
    assert.deepEqual(SHARES.map((share) => percentileOf(buckets, share)), percentiles(entry));
    for (const [share, figure] of [[0.5, "p50"], [0.99, "p99"]] as const) {
      const exact = entry.latencyMs[figure];
      if (exact === null || entry.lowerBounds.includes(figure)) continue;
      // The summary rounds to a microsecond, and its percentiles lie within what was measured.
      const read: number = percentileOf(buckets, share);
      assert.ok(Math.abs(read - exact) <= 0.001 * read + 0.001, `${read} for ${exact}`);
    }
  }
  assert.equal(percentileOf(bucketsOf(""), 0.5), null);
});

Deno.test({
  name: "the page's Python reads a summary",
  ignore: isMissing("python3"),
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const summary = await summaryOf(SHOP, ["-u", "5", "-r", "100", "-t", "1.5"]);
      await Deno.writeTextFile(`${folder}/summary.json`, JSON.stringify(summary));
      await Deno.writeTextFile(`${folder}/latencies.py`, codeOf("python"));
      const { stdout, stderr } = await new Deno.Command("python3", {
        args: ["latencies.py", "summary.json"],
        cwd: folder,
      }).output();
      const expected = summary.requests.map(({ method, name, histogram }) => {
        const p98 = histogramOf(histogram).percentile(0.98)!;
        return `${method} ${name} 98 % within ${Number.isInteger(p98) ? `${p98}.0` : p98} ms\n`;
      });
      const decoder = new TextDecoder();
      assert.equal(decoder.decode(stdout), expected.join(""), decoder.decode(stderr));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Paths of what a value has and none of its schemas knows. */
function unknownFields(value: unknown, schemas: readonly Schema[], path: string): string[] {
  const parts = schemas.flatMap(unfolded);
  if (Array.isArray(value)) {
    const items = parts.flatMap(({ items }) => items ?? []);
    return value.flatMap((item, index) => unknownFields(item, items, `${path}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    const known = parts.flatMap(({ properties, additionalProperties }) =>
      properties?.[name] ?? additionalProperties ?? []
    );
    const place = `${path}.${name}`;
    return known.length === 0 ? [place] : unknownFields(part, known, place);
  });
}

/** A schema, and all those that it is made of. */
function unfolded(schema: Schema): Schema[] {
  const { $ref, allOf = [], anyOf = [] } = schema;
  const named = $ref === undefined ? [] : [SCHEMA.definitions![$ref.split("/").at(-1)!]!];
  return [schema, ...[...named, ...allOf, ...anyOf].flatMap(unfolded)];
}

const COUNTED = projectPath("tests/e2e/fixtures/counted.ts");

Deno.test("--csv writes four files that agree with the summary and with the target", async () => {
  await using target = new CountingTarget();
  const folder = await Deno.makeTempDir();
  const { code, stderr } = await runAiotest(
    ["-f", COUNTED, "-H", target.url, "-u", "10", "-r", "100", "-t", "3s", "--quota", "400"]
      .concat("--csv", "july", "--json", "summary.json", "--no-web"),
    { cwd: folder },
  );
  assert.equal(code, 1, stderr);
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/summary.json`));
  const rows = async (name: string): Promise<Record<string, string>[]> =>
    parse(await Deno.readTextFile(`${folder}/july_${name}.csv`), { columns: true });

  const stats = await rows("stats");
  assert.deepEqual(
    stats.map((row) => [row.Type, row.Name, Number(row["Request Count"])]),
    [
      ...summary.requests.map(({ method, name, requests }) => [method, name, requests]),
      ["", "Aggregated", 400],
    ],
  );
  for (const { Type, Name, ...row } of stats.slice(0, -1)) {
    const one = summary.requests.find(({ method, name }) => method === Type && name === Name)!;
    const { requests, bytesOut } = target.seen.get(`${Type} ${Name}`)!;
    assert.equal(one.requests, requests);
    assert.equal(Number(row["Failure Count"]), one.failures);
    assert.ok(Math.abs(Number(row["Average Content Size"]) - bytesOut / requests) < 0.001);
    // A name of which every request fails has no latencies.
    const { p95, p9999, max } = one.latencyMs;
    assert.deepEqual(
      [row["95%"], row["99.99%"], row["100%"]],
      [p95, p9999, max].map((ms) => ms === null ? "N/A" : String(ms)),
    );
  }

  const history = await rows("stats_history");
  assert.equal(history.length, summary.timeline.length);
  assert.equal(history.at(-1)!["Total Request Count"], "400");
  assert.equal(history.at(-1)!["Total Failure Count"], String(summary.totals.failures));
  assert.equal(Number(history.at(-1)!["Total Median Response Time"]), summary.totals.latencyMs.p50);
  assert.deepEqual(
    history.map((row) => Number(row["Requests/s"])),
    summary.timeline.map(({ requests }) => requests),
  );

  assert.deepEqual(
    (await rows("failures")).map((row) => [row.Name, row.Error, Number(row.Occurrences)]),
    summary.failures.map(({ name, error, count }) => [name, error, count]),
  );
  assert.deepEqual(await rows("exceptions"), []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("formulas in names and errors are inert in a spreadsheet", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/aiotestfile.ts`,
    `import { User } from "aiotest";
    export class FormulaTest extends User {
      static waitTime = 0.1;
      testStep() {
        this.record({ name: '=HYPERLINK("x")', latencyMs: 1, error: "@SUM(1;=1)" });
        throw new Error("-1+1");
      }
    }`,
  );
  await runAiotest(["-t", "1s", "--csv", "july", "--no-web"], { cwd: folder });
  const read = (name: string): Promise<string> => Deno.readTextFile(`${folder}/july_${name}.csv`);
  assert.match(await read("stats"), /\r\nTASK,"'=HYPERLINK\(""x""\)",\d/);
  assert.match(await read("failures"), /"'=HYPERLINK\(""x""\)","'@SUM\(1;'=1\)",\d/);
  assert.match(
    await read("exceptions"),
    /\r\n\d+,'-1\+1,"in FormulaTest, at aiotestfile\.ts:\d+:\d+",local\r\n/,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a CSV prefix in a missing folder is refused before the run starts", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/aiotestfile.ts`,
    `import { User } from "aiotest"; export class OneTest extends User { testOne() {} }`,
  );
  const { code, stderr } = await runAiotest(["--csv", "none/july"], { cwd: folder });
  assert.equal(code, 2);
  assert.match(stderr, /--csv none\/july_stats\.csv: cannot write the file/);
  await Deno.remove(folder, { recursive: true });
});
