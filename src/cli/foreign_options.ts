/**
 * What other load generators call options, and what to do instead of options that aiotest does not need.
 *
 * @module
 */

/** An option, without its dashes, or advice if there is none. */
type Foreign = { readonly name: string } | { readonly advice: string };

/**
 * What replaces an option of Locust, k6, wrk or hey; `null` if it is none of theirs.
 *
 * @param option with or without its dashes. A single letter needs its dash.
 * @param known the options that the command has, without dashes.
 */
export function foreignOption(option: string, known: readonly string[]): Foreign | null {
  const plain = option.startsWith("--") || !option.startsWith("-")
    ? option.toLowerCase().replaceAll(/[-_]/g, "")
    : option;
  if (known.some((name) => name.replaceAll("-", "") === plain)) return null;
  const name = NAMES.get(plain);
  if (name !== undefined && known.includes(name)) return { name };
  const advice = ADVICE.get(plain);
  return advice === undefined ? null : { advice };
}

const NAMES: ReadonlyMap<string, string> = new Map([
  ["locustfile", "aiotestfile"],
  ["numusers", "users"],
  ["clients", "users"],
  ["concurrency", "users"],
  ["vus", "users"],
  ["-c", "users"],
  ["spawnrate", "rate"],
  ["hatchrate", "rate"],
  ["duration", "run-time"],
  ["-d", "run-time"],
  ["slave", "worker"],
  ["expectslaves", "expect-workers"],
  ["summaryexport", "json"],
  ["jsonfile", "json"],
  ["-P", "web-port"],
  ["webauth", "web-token"],
  ["weblogin", "web-token"],
  ["otel", "otlp"],
  ["showtaskratio", "show-users-weight"],
  ["showtaskratiojson", "show-users-weight"],
  ["prometheusport", "web-port"],
  ["insecureskiptlsverify", "insecure"],
]);

const AT_ONCE = "Leave it out: a test starts at once, and aiotest exits when it is over.";
const ALWAYS = "Leave it out: the report is printed at the end.";
const LIST = "To list the user classes of a file: aiotest check FILE";
const OUTPUTS =
  "For a line for each request: --samples FILE.jsonl or FILE.csv; for the summary: --json FILE; for OpenTelemetry: --otlp URL";

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["headless", AT_ONCE],
  ["autostart", AT_ONCE],
  ["autoquit", AT_ONCE],
  ["onlysummary", ALWAYS],
  ["printstats", ALWAYS],
  ["list", LIST],
  ["-l", LIST],
  ["out", OUTPUTS],
  ["-o", OUTPUTS],
  ["tag", "To label the run: --label KEY=VALUE; to run only tests with a tag: --tags A"],
  ["classpicker", "To run only some user classes: --user-classes A,B"],
  ["configusers", "Set host, weight and fixedCount in the user classes of the test file."],
  ["equalweights", "Remove @weight from the tests: then all are chosen equally often."],
  ["enablerebalancing", "Leave it out: users are always divided among the workers that are there."],
  ["skiplogsetup", "Leave it out: -L says how much is logged, and --logfile where."],
]);
