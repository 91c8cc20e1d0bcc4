import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { identity } from "../support/certificates.ts";
import { fencedBlocks } from "../support/fenced_blocks.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, runAiotest } from "../support/process.ts";
import { answering, RawServer } from "../support/raw_server.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { Target } from "../support/target.ts";

const PASSED = projectPath("tests/e2e/fixtures/passed.ts");
const GOLDEN = projectPath("tests/e2e/fixtures/passed.txt");

const test = sideBySide("requests are shown by real processes", 2);

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A shop, whose responses are the same each time. */
function shop(): Target {
  return new Target({
    "/login": () =>
      new Response(
        JSON.stringify({ token: "t0ken", user: { id: 12345, roles: ["buyer", "admin"] } }),
        {
          headers: [
            ["content-type", "application/json"],
            ["set-cookie", "session=abc123; Path=/; HttpOnly"],
          ],
        },
      ),
    "/old": () => new Response(null, { status: 302, headers: { location: "/new?token=abc" } }),
    "/new": () => new Response("Hello\tworld"),
    "/order": () => Response.json({ found: false }),
    "/gzip": async () =>
      new Response(await gzip("text ".repeat(2000)), {
        headers: { "content-type": "text/plain", "content-encoding": "gzip" },
      }),
    "/image": () =>
      new Response(new Uint8Array(1234), { headers: { "content-type": "image/png" } }),
    "/evil": () =>
      new Response(Uint8Array.of(0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0x0a, 0x62), {
        headers: { "content-type": "text/plain" },
      }),
  });
}

/** Closes each connection when it has read a request. */
function resetting(): RawServer {
  return new RawServer(async (connection) => void await connection.readHead());
}

async function once(args: readonly string[] = []): Promise<Finished & { text: string }> {
  await using target = shop();
  await using other = resetting();
  const env = { RESETTING: `http://127.0.0.1:${other.port}` };
  const finished = await runAiotest(["-f", PASSED, "-H", target.url, "--once", ...args], { env });
  return { ...finished, text: settled(finished.stdout) };
}

/** Without what is different each time. */
function settled(text: string): string {
  return text.replaceAll(/127\.0\.0\.1:\d+/g, "HOST").replaceAll(/\d[\d.]* (ms|s)\b/g, "N $1")
    .replaceAll(/date: .* GMT/gi, "date: DATE")
    .replaceAll(/aiotest\/[\d.]+/g, "aiotest/VERSION")
    .replaceAll(/(GET|POST|TASK)( +\S.*?)( +)(\d{3}|–) +\d[\d.]*/g, "$1$2 $4 N")
    // A body may arrive a moment after its head.
    .replaceAll(", download N ms", "")
    .replaceAll(/─+/g, "──")
    // The column is as wide as its longest time.
    .replaceAll(/(Type +Name +Status) +ms/g, "$1 ms")
    .replaceAll(/content-length: \d+(?=\r?\n.*\n.*\n.*text text)/gi, "content-length: N")
    .replaceAll(/sent as \d+ B/g, "sent as N B").replaceAll(
      /content-length: \d\d(?=\n\s+< date)/g,
      "content-length: N",
    );
}

test("a pass shows every exchange, check, group and error in order", async () => {
  const { code, stdout, stderr, text } = await once(["-u", "50", "--threshold", "rps>1000"]);
  assert.equal(code, 1);
  if (Deno.env.get("UPDATE") === "1") await Deno.writeTextFile(GOLDEN, text);
  assert.equal(text, await Deno.readTextFile(GOLDEN));
  // deno-lint-ignore no-control-regex -- this is what must not be in there
  assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f]/);
  for (const secret of ["hunter2", "k3y", "t0ken", "abc123"]) assert.ok(!stdout.includes(secret));
  assert.match(stderr, /--users, --threshold are ignored: with --once, one user of each class/);
  assert.ok(!stdout.includes("/src/"), "no line of aiotest");
});

test("with --print-secrets, nothing is hidden", async () => {
  const { stdout } = await once(["--print-secrets", "--user-classes", "BuyerTest"]);
  for (const secret of ["hunter2", "k3y", "Bearer t0ken", "session=abc123"]) {
    assert.ok(stdout.includes(secret), secret);
  }
});

test("docs/debugging.md shows a pass as it is printed", async () => {
  await using target = new Target({ "/search": () => Response.json({ found: false }) });
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/aiotestfile.ts`, SEARCH);
  const { code, stdout } = await runAiotest(["-H", target.url, "--once"], { cwd: folder });
  await Deno.remove(folder, { recursive: true });
  assert.equal(code, 1);
  const [pass] = stdout.trimStart().split("\n\nRequests, in order\n");
  const page = (await fencedBlocks("docs/debugging.md"))
    .find(({ language, text }) => language === "text" && text.startsWith("ShopTest"))!.text;
  const linesOf = (text: string): string[] =>
    settled(text.replace(/^ +< date: .*\n/m, "")).replaceAll(/(?<=\.ts):\d+:\d+$/gm, "").split(
      "\n",
    );
  assert.deepEqual(linesOf(pass!), linesOf(page.trim()));
});

const SEARCH = `import assert from "node:assert/strict";
import { FastHttpUser } from "aiotest";

export class ShopTest extends FastHttpUser {
  token = "Bearer t0ken";

  async testSearch(): Promise<void> {
    const headers = { authorization: this.token };
    await this.session.get("/search", { params: { q: "F22" }, headers }, async (res) => {
      assert.equal((await res.json()).found, true);
    });
  }
}
`;

test("a pass of one URL is one request", async () => {
  await using target = shop();
  const { code, stdout } = await runAiotest(["quick", `${target.url}/new`, "--once", "-u", "20"]);
  assert.equal(code, 0, stdout);
  assert.equal(target.requests.length, 1);
  assert.match(stdout, /> GET \/new HTTP\/1\.1\n.*> Host: 127/);
  assert.match(stdout, /< Hello {4}world\n/);
  assert.match(stdout, /\nPASSED {2}1 request, no failures\n$/);
});

test("a pass shows the version, cipher and certificate of TLS, and that a connection is lost and opened again", async () => {
  let connections = 0;
  await using server = new RawServer(async (connection) => {
    const isFirst = connections++ === 0;
    await connection.readHead();
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (isFirst) await connection.readHead();
    else await answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")(connection, 1);
  }, identity("good"));
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${cwd}/aiotestfile.ts`,
    `import { FastHttpUser } from "aiotest";
    export class TwiceTest extends FastHttpUser {
      async testTwice() {
        await this.session.get("/one");
        await this.session.get("/two");
      }
    }`,
  );
  const url = `https://127.0.0.1:${server.port}`;
  const { code, stdout } = await runAiotest(["--once", "--insecure", "-H", url], { cwd });
  await Deno.remove(cwd, { recursive: true });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /New connection to 127\.0\.0\.1:\d+ \(connect [\d.]+ ms, TLS [\d.]+ ms\)/);
  assert.match(
    stdout,
    /\* TLS: TLSv1\.[23], TLS_\w+; certificate of .*CN=.*; issued by .*; valid until .* GMT/,
  );
  assert.match(stdout, /\* Reused connection to .*\n.*No response on it: .*sent again/);
});

for (const args of [["--master"], ["--worker"], ["--processes", "2"], ["--no-autostart"]]) {
  test(`--once ${args.join(" ")} is refused`, async () => {
    const { code, stdout, stderr } = await runAiotest(["-f", PASSED, "--once", ...args]);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.ok(stderr.startsWith(`aiotest: --once cannot be used with ${args[0]}: `), stderr);
  });
}

test("--print-http prints twenty failed requests, and counts the others", async () => {
  await using target = new Target({ "/": () => new Response("gone", { status: 503 }) });
  const { code, stderr } = await runAiotest(
    ["quick", `${target.url}/?token=abc`, "-u", "4", "-n", "33", "--print-http"],
  );
  assert.equal(code, 1);
  assert.equal(stderr.match(/^GET \/: failed: HTTP 503/gm)?.length, 20);
  assert.equal(stderr.match(/^ {2}< gone$/gm)?.length, 20);
  assert.match(stderr, /--print-http: 13 more failed requests not printed\./);
  assert.ok(!stderr.includes("abc"));
});

test("--print-http=all prints requests that have not failed", async () => {
  await using target = shop();
  const { code, stderr } = await runAiotest(
    ["quick", `${target.url}/new`, "-u", "1", "-n", "3", "--print-http=all"],
  );
  assert.equal(code, 0);
  assert.equal(stderr.match(/^GET \/new: 200, /gm)?.length, 3);
  assert.ok(!stderr.includes("more"));
});

for (const args of [[], ["--processes", "2"]]) {
  test(`failed requests are in the reports ${args.join(" ")}`, async () => {
    await using target = shop();
    await using other = resetting();
    const cwd = await Deno.makeTempDir();
    const env = { RESETTING: `http://127.0.0.1:${other.port}` };
    const load = ["-u", "20", "-r", "100", "-t", "2", "--user-classes", "ResetTest,NativeTest"];
    const reports = ["--json", "out.json", "--html", "out.html"];
    const { code, stderr } = await runAiotest(
      [
        "-f",
        PASSED,
        "-H",
        `${target.url}/missing`,
        ...load,
        ...reports,
        ...args,
      ],
      { cwd, env },
    );
    // The test file has a threshold that no run can meet. A pass does not judge it.
    assert.equal(code, 3, stderr);
    const summary: Summary = JSON.parse(await Deno.readTextFile(`${cwd}/out.json`));
    const html = await Deno.readTextFile(`${cwd}/out.html`);
    await Deno.remove(cwd, { recursive: true });
    const of = (name: string): Summary["failureSamples"] =>
      summary.failureSamples.filter((one) => one.name === name);
    assert.equal(of("/reset").length, 5);
    assert.equal(of("/missing/evil").length, 5);
    const [sample] = of("/missing/evil");
    assert.equal(sample!.error, "HTTP 404");
    assert.match(sample!.sent, /^GET \/missing\/evil$/);
    assert.match(sample!.received, /^HTTP 404\n[^]*\n\n/);
    assert.equal(sample!.userClass, "NativeTest");
    assert.match(of("/reset")[0]!.received, /^\(ECONNRESET: .+\)$/);
    const nodes = new Set(summary.failureSamples.map(({ node }) => node));
    assert.equal(nodes.size, args.length === 0 ? 1 : 2);
    assert.ok(html.includes("GET /missing/evil"));
  });
}

test("with --no-failure-samples, reports have none", async () => {
  await using target = new Target();
  const cwd = await Deno.makeTempDir();
  await runAiotest(
    ["quick", target.url, "-u", "2", "-n", "9", "--json", "out.json", "--no-failure-samples"],
    { cwd },
  );
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${cwd}/out.json`));
  await Deno.remove(cwd, { recursive: true });
  assert.equal(summary.totals.failures, 9);
  assert.deepEqual(summary.failureSamples, []);
});

test("a pass names requests for which a test did not wait", async () => {
  await using target = shop();
  const cwd = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${cwd}/aiotestfile.ts`,
    `import { FastHttpUser } from "aiotest";
export class ShopTest extends FastHttpUser {
  async testForgotten() {
    this.session.get("/new?token=abc");
  }
  async testAwaited() {
    await this.session.get("/image");
  }
}
`,
  );
  const { stdout } = await runAiotest(["-H", target.url, "--once"], { cwd });
  await Deno.remove(cwd, { recursive: true });
  assert.match(
    stdout,
    /^ {2}testForgotten\n {4}✗ testForgotten did not wait for GET \/new\. Is "await" missing\?\n/m,
  );
  assert.equal(stdout.match(/did not wait/g)?.length, 1);
});
