import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Summary } from "../../src/report/summary.ts";
import { LoggingServer } from "../support/logging_server.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { type Finished, startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";
import { Target } from "../support/target.ts";

const test = sideBySide("examples of protocols", 2);

/** A number of iterations instead of a time, so that nothing is cut off and counts must be equal. */
const ITERATIONS = 24;
const USERS = 3;

/** A step's requests, of which some failed. */
interface Counted {
  readonly requests: number;
  readonly failures: number;
}

/** What a run ended with. */
interface Run extends Finished {
  readonly summary: Summary;
  /** By method and name. */
  readonly counted: Readonly<Record<string, Counted>>;
  /** The texts of its failures. */
  readonly errors: readonly string[];
}

/** Runs an example. */
async function runExample(
  name: string,
  host: string | null,
  env: Record<string, string> = {},
  load: readonly string[] = ["-u", String(USERS), "-r", "100", "--iterations", String(ITERATIONS)],
): Promise<Run> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const place = host === null ? [] : ["-H", host];
  const run = startAiotest(
    ["-f", projectPath(`examples/${name}`), ...place, ...load, "--json", json]
      .concat("--exit-code-on-error", "0"),
    // The lock file of the project has none of the packages that examples import.
    { env, denoFlags: ["--no-lock"] },
  );
  const finished = await run.finished;
  assert.equal(finished.code, 0, finished.stderr);
  const summary: Summary = JSON.parse(await Deno.readTextFile(json));
  await Deno.remove(json);
  assert.deepEqual(summary.userErrors, []);
  assert.equal(summary.totals.unfinished.count, 0);
  const counted = Object.fromEntries(
    summary.requests.map(({ method, name, requests, failures }) => [
      `${method} ${name}`,
      { requests, failures },
    ]),
  );
  return { ...finished, summary, counted, errors: summary.failures.map(({ error }) => error) };
}

function all(requests: number): Counted {
  return { requests, failures: 0 };
}

/** How often a pattern occurs. */
function occurrences(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

test("TCP: an answer in pieces is one answer, and a lost connection is opened again", async () => {
  const seen = { connections: 0, questions: 0, closed: 0 };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (connection: Deno.TcpConn): Promise<void> => {
    using _ = connection;
    const writer = connection.writable.getWriter();
    const encoder = new TextEncoder();
    for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
      assert.equal(text, "PING\r\n");
      if (++seen.questions % 8 === 0) {
        seen.closed++;
        return;
      }
      await writer.write(encoder.encode("+PO"));
      await new Promise((resolve) => setTimeout(resolve, 5));
      await writer.write(encoder.encode("NG\r\n"));
    }
  };
  const served = (async () => {
    for await (const connection of listener) {
      seen.connections++;
      void serve(connection).catch(() => {}); // a user that closes its connection ends it
    }
  })();
  const { counted, errors } = await runExample("tcp.ts", `127.0.0.1:${listener.addr.port}`);
  listener.close();
  await served;
  assert.deepEqual(counted, {
    "TCP PING": { requests: ITERATIONS, failures: seen.closed },
    "TCP connect": all(seen.connections),
  });
  assert.equal(seen.questions, ITERATIONS);
  assert.equal(seen.closed, ITERATIONS / 8);
  assert.deepEqual(errors, ["the server closed the connection"]);
});

test("TCP: a server that does not answer does not delay the end of a run", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.TcpConn[] = [];
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const run = startAiotest(
    ["-f", projectPath("examples/tcp.ts"), "-H", `127.0.0.1:${listener.addr.port}`]
      .concat("-u", "1", "-t", "60s", "--stop-timeout", "0", "--json", json),
  );
  const connection = await listener.accept();
  connections.push(connection);
  await connection.read(new Uint8Array(100));
  run.kill("SIGINT");
  const { code, stderr } = await run.finished;
  assert.equal(code, 0, stderr);
  const summary: Summary = JSON.parse(await Deno.readTextFile(json));
  await Deno.remove(json);
  // The question had no answer, so it is neither a success nor a failure.
  assert.equal(summary.totals.requests, 1);
  assert.equal(summary.totals.failures, 0);
  assert.equal(summary.totals.unfinished.count, 1);
  for (const open of connections) open.close();
  listener.close();
});

test("UDP: a lost datagram is a failure, and a late one is not the next answer", async () => {
  let asked = 0;
  let lost = 0;
  const server = createSocket("udp4");
  const clients = new Set<number>();
  server.on("message", (question, { address, port }) => {
    clients.add(port);
    if (++asked % 8 === 0) {
      lost++;
      // An answer to something else does not count.
      server.send("0 0", port, address);
    } else server.send(question, port, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const { counted, errors } = await runExample("udp.ts", `127.0.0.1:${server.address().port}`);
  server.close();
  assert.equal(asked, ITERATIONS);
  assert.equal(clients.size, USERS);
  assert.deepEqual(counted, { "UDP echo": { requests: ITERATIONS, failures: lost } });
  assert.equal(lost, ITERATIONS / 8);
  assert.deepEqual(errors, ["no answer within 1 s"]);
});

/** Where Debian has the programs of PostgreSQL's server, which are not on the PATH; null if nowhere. */
function postgresPrograms(): string | null {
  try {
    const versions = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => name);
    const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1);
    return newest === undefined ? null : `/usr/lib/postgresql/${newest}/bin`;
  } catch {
    return null;
  }
}

const postgres = postgresPrograms() ?? "/usr/lib/postgresql/bin";

/** A command as another user than root, as whom PostgreSQL does not run. */
function asPostgres(program: string, ...args: string[]): { program: string; args: string[] } {
  if (Deno.uid() !== 0) return { program, args };
  return { program: "setpriv", args: [...RIGHTS, program, ...args] };
}

const RIGHTS = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];

async function run({ program, args }: { program: string; args: string[] }): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd: "/" }).output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout);
}

test(
  "PostgreSQL: it executed every query that is counted, also around lost connections",
  async () => {
    const folder = await Deno.makeTempDir({ dir: "/tmp" });
    const port = String(steadyPort());
    try {
      if (Deno.uid() === 0) await run({ program: "chown", args: ["postgres", folder] });
      await run(
        asPostgres(`${postgres}/initdb`, "-D", `${folder}/data`, "-U", "app", "-A", "trust", "-N"),
      );
      const options = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "" };
      const logged = {
        log_statement: "all",
        log_connections: "on",
        fsync: "off",
        lc_messages: "C",
      };
      const settings = Object.entries({ ...options, ...logged })
        .flatMap(([name, value]) => ["-c", `${name}=${value}`]);
      const command = asPostgres(`${postgres}/postgres`, "-D", `${folder}/data`, ...settings);
      await using server = await LoggingServer.start(
        // The fast way to end: open connections are closed.
        { ...command, stopSignal: "SIGINT" },
        "database system is ready to accept connections",
      );
      const psql = (sql: string): Promise<string> =>
        run({
          program: "psql",
          args: ["-h", "127.0.0.1", "-p", port, "-U", "app", "-At", "-c", sql, "postgres"],
        });
      await psql("CREATE TABLE orders (id serial PRIMARY KEY, article int, buyer int)");
      // Every eighth order ends the connection that it came from.
      await psql(`CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'`);
      await psql(`CREATE TRIGGER lose BEFORE INSERT ON orders FOR EACH ROW
      WHEN (NEW.id % 8 = 0) EXECUTE FUNCTION lose()`);
      const { counted, errors } = await runExample("postgres.ts", null, {
        PGHOST: "127.0.0.1",
        PGPORT: port,
        PGUSER: "app",
        PGDATABASE: "postgres",
      });
      const stored = Number(await psql("SELECT count(*) FROM orders"));
      const log = await server.stop();
      const opened = occurrences(log, /connection authorized: .*application_name=aiotest$/gm);
      const lost = ITERATIONS / 8;
      assert.deepEqual(counted, {
        "SQL connect": all(opened),
        "SQL insert order": { requests: ITERATIONS, failures: lost },
        "SQL select order": all(stored),
      });
      assert.equal(stored, ITERATIONS - lost);
      assert.ok(opened > USERS, `${opened} connections`);
      assert.deepEqual(errors, ["error: terminating connection due to administrator command"]);
      assert.equal(occurrences(log, /execute insert order: /g), ITERATIONS);
      assert.equal(occurrences(log, /execute select order: /g), stored);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  { ignore: isMissing(`${postgres}/initdb`) || isMissing("psql") },
);

test("MQTT: the broker got every message that is counted", async () => {
  const folder = await Deno.makeTempDir();
  const port = steadyPort();
  try {
    await Deno.writeTextFile(
      `${folder}/mosquitto.conf`,
      [
        `listener ${port} 127.0.0.1`,
        "allow_anonymous true",
        "log_dest stderr",
        "log_type all",
        "",
      ].join("\n"),
    );
    await using broker = await LoggingServer.start(
      // As root, it would otherwise become a user who cannot read the folder.
      { program: "mosquitto", args: ["-c", `${folder}/mosquitto.conf`] },
      "running",
    );
    const { counted } = await runExample("mqtt.ts", `mqtt://127.0.0.1:${port}`);
    assert.deepEqual(counted, {
      "MQTT connect": all(USERS),
      "MQTT publish reading": all(ITERATIONS),
      "MQTT round trip": all(ITERATIONS),
      "MQTT subscribe": all(USERS),
    });
    const log = await broker.stop();
    assert.equal(occurrences(log, /Received PUBLISH from .*'readings'/g), ITERATIONS);
    assert.equal(occurrences(log, /Sending PUBLISH to .*'devices\/\d+'/g), ITERATIONS);
    assert.equal(occurrences(log, /Received DISCONNECT from/g), USERS);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}, { ignore: isMissing("mosquitto") });

test("Kafka: that no broker listens is a failure", async () => {
  const { counted, errors } = await runExample("kafka.ts", `127.0.0.1:${steadyPort()}`, {}, [
    ...["-u", "2", "--iterations", "4"],
  ]);
  assert.deepEqual(counted, { "KAFKA send order": { requests: 4, failures: 4 } });
  assert.equal(errors.length, 1, String(errors));
});

test("a browser: each user sees the page, and paints it", async () => {
  const page = "<!doctype html><link rel=icon href=data:,><h1>A shop</h1>";
  await using target = new Target({
    "/": () => new Response(page, { headers: { "content-type": "text/html" } }),
  });
  const { counted } = await runExample(
    "browser.ts",
    target.url,
    { CHROMIUM: "/usr/bin/chromium" },
    [
      ...["-u", "2", "--iterations", "4"],
    ],
  );
  assert.equal(target.count("/"), 4);
  assert.deepEqual(counted["PAGE front page"], all(4));
  assert.deepEqual(counted["PAGE first contentful paint"], all(4));
}, { ignore: isMissing("chromium") });
