import assert from "node:assert/strict";
import { JOURNAL_HEAD } from "../../src/cluster/journal.ts";
import { identity, testAuthority } from "./certificates.ts";
import { journalBytes, RUN_RECORD } from "./journals.ts";
import { runAiotest, type StartOptions } from "./process.ts";

/** A test file with a mistake, the arguments of the run, and its error message. */
export interface Mistake {
  readonly what: string;
  /** Texts or bytes by file name; the test file is `aiotestfile.ts` unless the arguments name another. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly says: readonly RegExp[];
}

const GOOD = `
import { HttpUser } from "aiotest";
export class ATest extends HttpUser {
  static host = "http://127.0.0.1:9";
  testA() {}
}
`;

/** A test file with one class, whose body is given. */
function file(body: string, base = "HttpUser"): Record<string, string> {
  const text = `import { FastHttpUser, HttpUser, LoadUserShape, User } from "aiotest";
    export class ATest extends ${base} { ${body} }`;
  return { "aiotestfile.ts": text };
}

function flags(...args: string[]): { files: Record<string, string>; args: string[] } {
  return { files: { "aiotestfile.ts": GOOD }, args };
}

/** A master on an unused port. */
const MASTER = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0"];

/** A master that serves its test file. */
const MASTER_WITH_TOKEN = [...MASTER, "--token", "secret"];

/** The journal of run r1, of another test file. */
const JOURNAL = journalBytes([RUN_RECORD]);
const DAMAGED_JOURNAL = JOURNAL.with(JOURNAL_HEAD.length + 1, 1);

/** Each ends with exit code 2 before the run starts. */
export const MISTAKES: readonly Mistake[] = [
  { what: "a missing file", says: [/Test file not found: .*aiotestfile\.ts/, /-f/] },
  {
    what: "a missing file that was named",
    args: ["-f", "nowhere/a.ts"],
    says: [/Test file not found: .*nowhere\/a\.ts/],
  },
  {
    what: "a file that is no module",
    files: { "a.txt": "hello" },
    args: ["-f", "a.txt"],
    says: [/a\.txt.*\.ts, \.js, \.mts, \.mjs/],
  },
  {
    what: "a syntax error, with its position",
    files: { "aiotestfile.ts": "export const a = 1;\nexport class { foo( }\n" },
    says: [/aiotestfile\.ts:2:14/, /Expected ident/],
  },
  {
    what: "a handler of a misspelled event",
    files: {
      "aiotestfile.ts": `import { events } from "aiotest";\nevents.on("teststart", () => {});\n`,
    },
    says: [
      /aiotestfile\.ts:2:8: error during import/,
      /there is no event 'teststart'/,
      /testStart\?/,
    ],
  },
  { what: "two test files", ...flags("-f", "a.ts", "-f", "b.ts"), says: [/-f is given more than/] },
  {
    what: "a syntax error in plain JavaScript",
    files: { "a.js": "export const a = 1;\nlet let = 2;\n" },
    args: ["-f", "a.js"],
    says: [/a\.js:2/],
  },
  {
    what: "an import of a missing file",
    files: { "aiotestfile.ts": `import "./missing.ts";\n` },
    says: [/missing\.ts/, /aiotestfile\.ts:1:8/],
  },
  {
    what: "an import of an unknown package",
    files: { "aiotestfile.ts": `import "no-such-package";\n` },
    says: [/no-such-package/],
  },
  {
    what: "an import of something that aiotest does not export",
    files: {
      "aiotestfile.ts": `import { Locust } from "aiotest";\nexport class ATest extends Locust {}`,
    },
    says: [/Locust/],
  },
  {
    what: "a throw while the file is imported",
    files: { "aiotestfile.ts": `function f() { throw new Error("no data"); }\nf();` },
    says: [/no data/, /aiotestfile\.ts:1:22/],
  },
  { what: "no export", files: { "aiotestfile.ts": "" }, says: [/exports nothing/] },
  {
    what: "no user class",
    files: {
      "aiotestfile.ts": `import { HttpUser } from "aiotest";
        export class Shopper extends HttpUser { testA() {} }
        export const helper = () => {};`,
    },
    says: [/Shopper/, /neither starts nor ends with/, /helper: a function/],
  },
  {
    what: "only classes of weight 0",
    files: file("static weight = 0; testA() {}"),
    says: [/weight/],
  },
  {
    what: "two shapes",
    files: {
      "aiotestfile.ts": `${GOOD}
        import { LoadUserShape } from "aiotest";
        export class OneShapeTest extends LoadUserShape { tick() { return null; } }
        export class TwoShapeTest extends LoadUserShape { tick() { return null; } }`,
    },
    says: [/OneShapeTest, TwoShapeTest/],
  },
  {
    what: "a shape without tick and stages",
    files: {
      "aiotestfile.ts": `${GOOD}
        import { LoadUserShape } from "aiotest";
        export class ShapeTest extends LoadUserShape {}`,
    },
    says: [/ShapeTest must have a curve, stages or a tick\(\) method/],
  },
  {
    what: "a bad stage",
    files: {
      "aiotestfile.ts": `${GOOD}
        import { LoadUserShape } from "aiotest";
        export class ShapeTest extends LoadUserShape {
          static stages = [{ duration: 1, users: 1, rate: 0 }];
        }`,
    },
    says: [/ShapeTest\.stages\[0\]: rate must be a number over 0, not 0/],
  },
  {
    what: "a negative weight",
    files: file("static weight = -1; testA() {}"),
    says: [/ATest\.weight is -1/],
  },
  {
    what: "a broken weight",
    files: file("static weight = 1.5; testA() {}"),
    says: [/1\.5.*whole number/],
  },
  {
    what: "a weight that is a text",
    files: file(`static weight = "2"; testA() {}`),
    says: [/ATest\.weight is ["']2["']/],
  },
  {
    what: "a bad fixed count",
    files: file("static fixedCount = -3; testA() {}"),
    says: [/ATest\.fixedCount is -3/],
  },
  {
    what: "a bad wait",
    files: file(`static waitTime = "1s"; testA() {}`),
    says: [/ATest\.waitTime/, /1s/],
  },
  {
    what: "a fixed count that no machine can run",
    files: file("static fixedCount = 1e9; testA() {}"),
    says: [/ATest\.fixedCount is 1000000000: expected a whole number from 1 to 1,000,000/],
  },
  {
    what: "a time limit that is a text",
    files: file(`static timeout = "5s"; testA() {}`),
    says: [/ATest\.timeout is "5s": expected a number of seconds over 0/],
  },
  {
    what: "a handler of init that throws",
    files: {
      "aiotestfile.ts": `${GOOD}
        import { events } from "aiotest";
        events.on("init", async () => { throw new Error("no test data"); });`,
    },
    says: [/A handler of the event init threw: no test data/],
  },
  {
    what: "a handler of init that never ends, when nothing else is left to do",
    files: {
      "aiotestfile.ts": `${GOOD}
        import { events } from "aiotest";
        events.on("init", () => new Promise(() => {}));`,
    },
    args: ["--setup-timeout", "1s"],
    says: [/init have not ended within 1 s/],
  },
  {
    what: "a path in files that no file can have",
    files: {
      "aiotestfile.ts": `${GOOD} export const files = ["data\\0.csv"];`,
    },
    args: MASTER_WITH_TOKEN,
    says: [/files: "data.*\.csv" is not a path inside the test file's folder/],
  },
  {
    what: "a bad order",
    files: file(`static order = "shuffled"; testA() {}`),
    says: [/shuffled/, /sequential.*random.*parallel/],
  },
  {
    what: "a bad host",
    files: file(`static host = "127.0.0.1:80"; testA() {}`),
    says: [/ATest\.host is "127\.0\.0\.1:80"/, /http:\/\/ or https:\/\//],
  },
  { what: "a class without tests", files: file("helper() {}"), says: [/ATest/, /no test/] },
  {
    what: "a test that is a number",
    files: file("testA = 5;"),
    says: [/ATest/, /testA/, /function/],
  },
  {
    what: "a test that is a getter",
    files: file("get testA() { return 1; }"),
    says: [/testA/, /function/],
  },
  {
    what: "a constructor that throws",
    files: file(`constructor(context) { super(context); throw new Error("no"); } testA() {}`),
    says: [/ATest/, /no/],
  },
  {
    what: "a shape whose constructor throws, with its place",
    files: {
      "aiotestfile.ts": `${GOOD}
        import { LoadUserShape } from "aiotest";
        export class ShapeTest extends LoadUserShape {
          constructor() { super(); throw new RangeError("no data"); }
          tick() { return null; }
        }`,
    },
    says: [/aiotestfile\.ts:10:42: RangeError: no data/],
  },
  {
    what: "a constructor that keeps its argument",
    files: file("constructor() { super(); } testA() {}"),
    says: [/ATest/, /must pass its argument on: super\(context\)/],
  },
  {
    what: "no users",
    ...flags("-u", "0"),
    says: [/--users 0/, /whole number from 1 to 1,000,000/],
  },
  {
    what: "a broken number of users",
    ...flags("-u", "1.5"),
    says: [/--users 1\.5/, /whole number/],
  },
  { what: "users that are a word", ...flags("--users", "many"), says: [/--users many/] },
  { what: "a rate of 0", ...flags("-r", "0"), says: [/--rate 0/, /above 0/] },
  { what: "a negative rate", ...flags("--rate=-1"), says: [/--rate -1/, /above 0/] },
  { what: "a run time that is none", ...flags("-t", "soon"), says: [/--run-time soon/, /1h20m/] },
  { what: "a run time of nothing", ...flags("-t", "0"), says: [/--run-time 0/] },
  { what: "a bad stop timeout", ...flags("-s", "-2"), says: [/--stop-timeout/] },
  { what: "a bad log level", ...flags("-L", "LOUD"), says: [/--loglevel LOUD/, /DEBUG.*CRITICAL/] },
  {
    what: "an exit code out of range",
    ...flags("--exit-code-on-error", "300"),
    says: [/--exit-code-on-error 300/, /255/],
  },
  {
    what: "a host that is no URL",
    ...flags("-H", "localhost"),
    says: [/--host localhost/, /http:\/\//],
  },
  {
    what: "tags that no test has",
    ...flags("-T", "checkout"),
    says: [/--tags checkout/, /no test/],
  },
  { what: "an unknown flag", ...flags("--userz", "3"), says: [/--userz/, /--users/] },
  {
    what: "an unknown flag where there is no test file",
    args: ["--userz", "3"],
    says: [/--userz/, /--users/],
  },
  { what: "an unknown short flag", ...flags("-q"), says: [/-q/] },
  { what: "a flag without its value", ...flags("-u"), says: [/--users/] },
  { what: "a word too many", ...flags("start"), says: [/start: unknown command/] },
  {
    what: "a local address of another machine",
    files: file("testA() {}", "FastHttpUser"),
    args: ["--local-address", "127.0.0.1,203.0.113.1"],
    says: [
      /--local-address 203\.0\.113\.1: not an address of this machine, which has .*127\.0\.0\.1/,
    ],
  },
  {
    what: "a local address of another machine in a class",
    files: file(`static localAddresses = ["203.0.113.1"]; testA() {}`, "FastHttpUser"),
    says: [
      /ATest\.localAddresses has "203\.0\.113\.1": not an address of this machine, which has /,
    ],
  },
  {
    what: "a network interface as a local address",
    ...flags("--local-address", "eth0"),
    says: [/--local-address eth0: expected IP addresses of this machine, separated by commas/],
  },
  {
    what: "local addresses of both families",
    files: file("testA() {}", "FastHttpUser"),
    args: ["--local-address", "127.0.0.1", "--local-address", "::1"],
    says: [/--local-address 127\.0\.0\.1,::1: expected either IPv4 or IPv6 addresses/],
  },
  {
    what: "a local address with fetch",
    ...flags("--local-address", "127.0.0.1"),
    says: [/--local-address: ATest is an HttpUser/, /FastHttpUser/],
  },
  {
    what: "a local address of a master",
    ...flags(...MASTER, "--local-address", "127.0.0.1"),
    says: [/--local-address cannot be used with --master.*set it on each worker/],
  },
  {
    what: "a worker with a local address of another machine",
    ...flags("--worker", "--local-address", "203.0.113.1"),
    says: [/--local-address 203\.0\.113\.1: not an address of this machine/],
  },
  {
    what: "a worker without the key of its certificate",
    ...flags("--worker", "--client-cert", "client.pem"),
    says: [/--client-cert needs --client-key/],
  },
  {
    what: "connecting to an address without a rule",
    ...flags("--connect-to", "127.0.0.1:8000"),
    says: [
      /--connect-to 127\.0\.0\.1:8000: expected HOST:PORT:ADDRESS:PORT/,
      /IPv6 addresses are in brackets/,
    ],
  },
  {
    what: "connecting elsewhere with fetch",
    ...flags("--connect-to", "a:80:b:80"),
    says: [/--connect-to: ATest is an HttpUser/, /FastHttpUser/],
  },
  {
    what: "an order of addresses that does not exist",
    ...flags("--dns", "roundrobin"),
    says: [/--dns roundrobin: expected one of first, rotate, random/],
  },
  {
    what: "an order of addresses with fetch",
    ...flags("--dns", "rotate"),
    says: [/--dns: ATest is an HttpUser/, /FastHttpUser/],
  },
  {
    what: "keeping no connections with fetch",
    files: file("static keepAlive = false; testA() {}"),
    says: [/ATest\.keepAlive is false: expected no value, because only a FastHttpUser has/],
  },
  {
    what: "a negative number of redirects",
    ...flags("--max-redirects", "-1"),
    says: [/--max-redirects -1: expected a whole number of at least 0/],
  },
  {
    what: "a client certificate without its key",
    ...flags("--client-cert", "client.pem"),
    says: [/--client-cert needs --client-key/],
  },
  {
    what: "a client certificate that does not exist",
    ...flags("--client-cert", "client.pem", "--client-key", "client.key"),
    says: [/--client-cert client\.pem: cannot read the file: no such file/],
  },
  {
    what: "the name of a file in place of a certificate in a class",
    files: file(
      `static tls = { cert: "client.pem", key: "client.key" }; testA() {}`,
      "FastHttpUser",
    ),
    says: [
      /ATest\.tls\.cert = 'client\.pem': must be a certificate in PEM/,
      /Deno\.readTextFileSync/,
    ],
  },
  {
    what: "a name for TLS with fetch",
    files: file(`static tls = { serverName: "a.test" }; testA() {}`),
    says: [/ATest\.tls\.serverName: ATest is an HttpUser/, /FastHttpUser/],
  },
  {
    what: "an authority that is not PEM",
    files: { "aiotestfile.ts": GOOD, "ca.der": new Uint8Array([0x30, 0x82, 1, 2]) },
    args: ["--ca", "ca.der"],
    says: [/--ca ca\.der: expected a file in PEM/, /openssl/],
  },
  {
    what: "a key of another certificate",
    files: {
      "aiotestfile.ts": GOOD,
      "a.pem": identity("good").cert,
      "b.key": identity("expired").key,
    },
    args: ["--client-cert", "a.pem", "--client-key", "b.key"],
    says: [/--client-key b\.key: does not belong to the certificate/],
  },
  {
    what: "a private key on a master that any worker may join",
    files: {
      "aiotestfile.ts": GOOD,
      "a.pem": identity("good").cert,
      "a.key": identity("good").key,
    },
    args: [...MASTER, "--client-cert", "a.pem", "--client-key", "a.key"],
    says: [/--client-key on a master needs --token/, /AIOTEST_TOKEN/],
  },
  {
    what: "more authorities than a master can send to its workers",
    files: { "aiotestfile.ts": GOOD, "ca.pem": testAuthority().repeat(600) },
    args: [...MASTER_WITH_TOKEN, "--ca", "ca.pem"],
    says: [/The options for workers are too large: .* of at most 262 KB/, /AIOTEST_CA has /],
  },
  {
    what: "a report in place of a private key",
    files: {
      "aiotestfile.ts": GOOD,
      "a.pem": identity("good").cert,
      "a.key": identity("good").key,
    },
    args: ["--client-cert", "a.pem", "--client-key", "a.key", "--json", "a.key"],
    says: [/--json a\.key.*the file of --client-key/],
  },
  { what: "insecure with fetch", ...flags("--insecure"), says: [/--insecure/, /FastHttpUser/] },
  {
    what: "a summary that cannot be written",
    ...flags("--json", "/no/such/folder/a.json"),
    says: [/--json \/no\/such\/folder\/a\.json: cannot write the file: /],
  },
  {
    what: "a log that cannot be written",
    ...flags("--logfile", "/no/such/folder/log"),
    says: [/--logfile \/no\/such\/folder\/log: cannot write the file: /],
  },
  {
    what: "a variable out of range",
    ...flags(),
    env: { AIOTEST_USERS: "none" },
    says: [/AIOTEST_USERS/, /none/, /whole number/],
  },
  {
    what: "a configuration file that is not there",
    ...flags("--config", "a.toml"),
    says: [/a\.toml/],
  },
  {
    what: "a key that no option has",
    files: { "aiotestfile.ts": GOOD, "a.toml": "userz = 3\n" },
    args: ["--config", "a.toml"],
    says: [/a\.toml/, /userz/],
  },
  {
    what: "a value out of range in the configuration file",
    files: { "aiotestfile.ts": GOOD, "a.json": `{ "users": 0 }` },
    args: ["--config", "a.json"],
    says: [/a\.json/, /users/, /whole number from 1 to 1,000,000/],
  },
  {
    what: "a flag of the test file that is aiotest's own",
    files: {
      "aiotestfile.ts": `${GOOD}
        import { events } from "aiotest";
        events.on("initCommandLineParser", ({ parser }) => parser.option("--users <n>", "mine"));`,
    },
    says: [/--users/],
  },
  {
    what: "two roles at once",
    ...flags("--master", "--worker"),
    says: [/--master cannot be used with --worker/, /--processes N/],
  },
  {
    what: "a worker that should wait for workers",
    ...flags("--worker", "--expect-workers", "4"),
    says: [/--expect-workers cannot be used with --worker: set it on the master/],
  },
  {
    what: "a run without workers that should listen for some",
    ...flags("--master-bind-port", "5557"),
    says: [/--master-bind-port needs --master/],
  },
  {
    what: "a master that should look for one",
    ...flags("--master", "--master-host", "127.0.0.1"),
    says: [/--master-host needs --worker/],
  },
  {
    what: "a flag of the master that is only in the environment",
    ...flags("--worker"),
    env: { AIOTEST_JOURNAL: "run.journal" },
    says: [/--journal cannot be used with --worker/, /AIOTEST_JOURNAL/],
  },
  {
    what: "one name for many workers",
    ...flags("--worker", "--processes", "2", "--worker-name", "w"),
    says: [/--worker-name cannot be used with --processes/],
  },
  {
    what: "no processes",
    ...flags("--processes", "0"),
    says: [/--processes 0: .*at least 1, or -1/],
  },
  {
    what: "a certificate without its key",
    ...flags("--master", "--tls-cert", "cert.pem"),
    says: [/--tls-cert needs --tls-key/],
  },
  {
    what: "a certificate that is not there",
    ...flags("--master", "--tls-cert", "cert.pem", "--tls-key", "key.pem"),
    says: [/--tls-cert cert\.pem: cannot read the file/],
  },
  {
    what: "a port that is none",
    ...flags("--worker", "--master-port", "70000"),
    says: [/--master-port 70000/, /65535|65,535/],
  },
  {
    what: "a new journal in the place of a run's",
    files: { "aiotestfile.ts": GOOD, "run.journal": JOURNAL },
    args: [...MASTER, "--journal", "run.journal"],
    says: [/--journal \S*run\.journal: the file contains the run r1/, /--resume \S*run\.journal/],
  },
  {
    what: "a new journal in the place of something else",
    files: { "aiotestfile.ts": GOOD, "notes.txt": "Buy milk.\n" },
    args: [...MASTER, "--journal", "notes.txt"],
    says: [/--journal \S*notes\.txt: the file already exists and is not overwritten/],
  },
  {
    what: "going on with what is no journal",
    files: { "aiotestfile.ts": GOOD, "notes.txt": "Buy milk.\n" },
    args: [...MASTER, "--resume", "notes.txt"],
    says: [/--resume \S*notes\.txt: the file is not an aiotest journal/],
  },
  {
    what: "going on with a journal that is not there",
    ...flags(...MASTER, "--resume", "run.journal"),
    says: [/--resume \S*run\.journal: there is no such file/],
  },
  {
    what: "going on with a damaged journal",
    files: { "aiotestfile.ts": GOOD, "run.journal": DAMAGED_JOURNAL },
    args: [...MASTER, "--resume", "run.journal"],
    says: [
      /--resume \S*run\.journal: the journal is damaged at byte 18/,
      /keep only the first 18 bytes \(truncate -s 18 FILE\)/,
    ],
  },
  {
    what: "going on with a journal of an older version",
    files: { "aiotestfile.ts": GOOD, "run.journal": "aiotest-journal 1\n" },
    args: [...MASTER, "--resume", "run.journal"],
    says: [/the journal has format 1, but this version supports format 5/, /that wrote it/],
  },
  {
    what: "a journal on a full disk",
    ...flags(...MASTER, "--journal", "/dev/full"),
    says: [/--journal \/dev\/full: the file cannot be written \(no space left on the device/],
  },
  {
    what: "a journal in a folder that does not exist",
    ...flags(...MASTER, "--journal", "nowhere/run.journal"),
    says: [
      /--journal \S*nowhere\/run\.journal: the file cannot be opened \(no such file or directory/,
    ],
  },
  {
    what: "going on with a run of another test file",
    files: { "aiotestfile.ts": GOOD, "run.journal": JOURNAL },
    args: [...MASTER, "--resume", "run.journal"],
    says: [/--resume \S*run\.journal: the run was started with a different test file/],
  },
  {
    what: "a journal and one to go on with",
    ...flags(...MASTER, "--journal", "a.journal", "--resume", "b.journal"),
    says: [/--journal cannot be used with --resume/],
  },
];

/** Makes a folder of a mistake's files. */
export async function mistakeFolder({ files = {} }: Mistake): Promise<string> {
  const folder = await Deno.makeTempDir();
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
  return folder;
}

/** Runs aiotest with a mistake in a folder, and asserts that the error message is clear. */
export async function assertTold(
  { args = [], env, says }: Mistake,
  options: Pick<StartOptions, "cwd" | "env" | "executable">,
): Promise<void> {
  // Nothing should start; a run that does ends by itself.
  const limit = args.includes("-t") ? [] : ["-t", "1"];
  const { code, stdout, stderr } = await runAiotest([...limit, ...args], {
    ...options,
    env: { ...options.env, ...env },
  });
  for (const pattern of says) assert.match(stderr, pattern);
  assert.equal(code, 2, stderr);
  assert.equal(stdout, "");
  assert.doesNotMatch(stderr, /^ +at /m, "a stack trace");
  assert.ok(!stderr.includes("\x1b"), "colours");
}
