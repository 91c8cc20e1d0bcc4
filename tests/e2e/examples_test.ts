import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest } from "../support/process.ts";
import { sideBySide } from "../support/side_by_side.ts";

const test = sideBySide("examples", 2);

/** What each example has to have done after two seconds, within which every wait is over. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  "basic.ts": ["GET /"],
  "first_steps.ts": ["POST /login", "GET search", "POST /orders"],
  "user_classes.ts": ["GET /articles", "GET /status", "POST /articles"],
  "waits.ts": ["GET /", "GET /poll"],
  "names_and_checks.ts": ["GET search"],
  "stages.ts": ["GET /"],
  "open_model.ts": ["GET /articles/:id", "POST /orders"],
  "events.ts": ["GET /"],
  "shop.ts": ["POST /login"],
  "sale.ts": ["POST /orders", "GET /orders/:buyer"],
};

/** Examples whose shape decides how long they run. They are interrupted after this many requests. */
const SHAPES = ["stages.ts", "open_model.ts"];
const ENOUGH = 6;

/** Answers everything that the examples ask for. */
function answer(request: Request): Response {
  const { pathname } = new URL(request.url);
  const status = pathname === "/gone" ? 404 : 200;
  // The shops of two examples find different things.
  const found = new URL(request.url).searchParams.get("q") === "boots" ? 3 : true;
  return Response.json({ found, token: "t" }, { status });
}

/** Examples that need other servers, and the tests that run them. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "recipes_test.ts": ["accounts.ts", "breaking_point.ts", "chat.ts", "ci_gate.sh", "csrf_form.ts"]
    .concat("graphql.ts", "grpc.ts", "llm_tokens.ts", "login_once.ts", "oauth2.ts")
    .concat("pagination.ts", "polling.ts", "protos", "soak.ts", "sse_feed.ts", "uploads.ts"),
  "redis_test.ts": ["redis_accounts.ts"],
  "websocket_test.ts": ["socket_io.ts"],
  "protocol_examples_test.ts": ["postgres.ts", "mqtt.ts", "tcp.ts", "udp.ts", "kafka.ts"]
    .concat("browser.ts"),
};

Deno.test("every example is in the list", () => {
  const files = [...Deno.readDirSync(projectPath("examples"))].map(({ name }) => name)
    .filter((name) => !Object.values(ELSEWHERE).flat().includes(name));
  assert.deepEqual(files.sort(), Object.keys(EXAMPLES).sort());
});

for (const [name, requests] of Object.entries(EXAMPLES)) {
  test(`the example ${name} runs`, async () => {
    let answered = 0;
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      if (++answered === ENOUGH && SHAPES.includes(name)) run.kill("SIGINT");
      return answer(request);
    });
    const json = await Deno.makeTempFile();
    const host = `http://127.0.0.1:${server.addr.port}`;
    const file = projectPath(`examples/${name}`);
    const run = startAiotest(
      ["-f", file, "-H", host, "-u", "8", "-r", "100", "-L", "DEBUG", "--json", json]
        .concat(SHAPES.includes(name) ? [] : ["-t", "2"]),
    );
    const { code, stderr } = await run.finished;
    assert.equal(code, 0, stderr);
    const summary: Summary = JSON.parse(await Deno.readTextFile(json));
    const done = summary.requests.map(({ method, name }) => `${method} ${name}`);
    for (const request of requests) assert.ok(done.includes(request), `${request} in ${done}`);
    await Deno.remove(json);
    await server.shutdown();
  });
}
