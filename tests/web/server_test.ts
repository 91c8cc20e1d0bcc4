import assert from "node:assert/strict";
import type { RunForm } from "../../src/web/control.ts";
import { connect } from "node:net";
import {
  FakeRun,
  FROM_PAGE,
  type RawRequest,
  type RawResponse,
  sendRaw,
  type TestDashboard,
  withDashboard,
} from "../support/dashboard.ts";
import { EventReader } from "../support/event_reader.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { shopSnapshot, snapshot } from "../support/snapshots.ts";

const TOKEN = "open sesame";
const READS = ["/api/summary", "/api/stream", "/metrics", "/api/report/json"];
const CHANGES = ["/api/start", "/api/stop", "/api/target"];

function post(path: string, value: unknown, changes: RawRequest = {}): RawRequest {
  return { method: "POST", path, headers: FROM_PAGE, body: JSON.stringify(value), ...changes };
}

async function statusOf(dashboard: TestDashboard, request: RawRequest): Promise<number> {
  return (await sendRaw(dashboard, request)).status;
}

async function loginCookie(dashboard: TestDashboard): Promise<string> {
  const answer = await sendRaw(dashboard, post("/api/login", { token: TOKEN }));
  assert.equal(answer.status, 200);
  return answer.headers.get("set-cookie")!;
}

Deno.test("every response has the security headers", async () => {
  await withDashboard({ token: TOKEN }, async (dashboard) => {
    const requests: RawRequest[] = [
      { path: "/" },
      { path: "/healthz" },
      { path: "/nothing" },
      { path: "/api/summary" },
      { path: "/api/start" },
      { path: "/", host: "evil.example" },
      post("/api/login", { token: TOKEN }),
    ];
    for (const request of requests) {
      const { headers } = await sendRaw(dashboard, request);
      const label = `${request.method ?? "GET"} ${request.path}`;
      assert.equal(
        headers.get("content-security-policy"),
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        label,
      );
      assert.equal(headers.get("x-content-type-options"), "nosniff", label);
      assert.equal(headers.get("x-frame-options"), "DENY", label);
      assert.equal(headers.get("referrer-policy"), "no-referrer", label);
      assert.equal(headers.get("cache-control"), "no-store", label);
      assert.equal(headers.get("access-control-allow-origin"), null, label);
    }
  });
});

Deno.test("paths outside the page's files are not found", async () => {
  await withDashboard({}, async (dashboard) => {
    const paths = [
      "/..%2f..%2fetc/passwd",
      "/../../etc/passwd",
      "/assets/..%2f..%2fdashboard_server.ts",
      "/assets/../../../../etc/passwd",
      "/assets/%2e%2e/%2e%2e/etc/passwd",
      "/assets//etc/passwd",
      "/assets/",
      "/assets/app.js/",
      "/assets/__proto__",
      "/constructor",
      "/api/report/../../etc/passwd",
      "/api/report/constructor",
      "//etc/passwd",
      "/\\..\\etc\\passwd",
    ];
    for (const path of paths) {
      const { status, body } = await sendRaw(dashboard, { path });
      assert.equal(status, 404, path);
      assert.equal(body, '{"error":"Not found."}\n', path);
    }
  });
});

Deno.test("only requests for the dashboard's own names are answered", async () => {
  await withDashboard({}, async (dashboard) => {
    const { port } = dashboard;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`]) {
      assert.equal(await statusOf(dashboard, { host, path: "/healthz" }), 200, host);
    }
    const foreign = [
      null,
      `evil.example:${port}`,
      "evil.example",
      "127.0.0.1",
      `127.0.0.1:${port + 1}`,
      `127.0.0.1.evil.example:${port}`,
      `10.0.0.1:${port}`,
      `testhost:${port}`,
    ];
    for (const host of foreign) {
      for (const path of ["/", "/api/summary", "/nothing"]) {
        assert.equal(await statusOf(dashboard, { host, path }), 403, `${host} ${path}`);
      }
      // Load balancers check a server at its address.
      if (host !== null) assert.equal(await statusOf(dashboard, { host, path: "/healthz" }), 200);
    }
    // A whole URL in the request line takes precedence over Host.
    const path = `http://evil.example:${port}/api/summary`;
    assert.equal(await statusOf(dashboard, { path }), 403);
    // A proxy that is not trusted may be any client.
    const headers = {
      "X-Forwarded-Host": `127.0.0.1:${port}`,
      Forwarded: `host="127.0.0.1:${port}"`,
    };
    assert.equal(await statusOf(dashboard, { host: "evil.example", headers }), 403);
  });
});

Deno.test("requests from another origin are rejected", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async (dashboard) => {
    const { host, port } = dashboard;
    for (const origin of ["http://evil.example", "null", `http://127.0.0.1:${port + 1}`, ""]) {
      const headers = { ...FROM_PAGE, Origin: origin };
      assert.equal(await statusOf(dashboard, { path: "/api/summary", headers }), 403, origin);
      assert.equal(await statusOf(dashboard, post("/api/stop", {}, { headers })), 403, origin);
    }
    for (const site of ["cross-site", "same-site"]) {
      const headers = { ...FROM_PAGE, "Sec-Fetch-Site": site };
      for (const path of ["/", "/api/summary", "/api/stream", "/assets/app.js", "/nothing"]) {
        assert.equal(await statusOf(dashboard, { path, headers }), 403, `${site} ${path}`);
      }
      assert.equal(await statusOf(dashboard, post("/api/stop", {}, { headers })), 403, site);
    }
    assert.deepEqual(run.commands, []);

    const own = { ...FROM_PAGE, Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin" };
    assert.equal(await statusOf(dashboard, { path: "/api/summary", headers: own }), 200);
    assert.equal(await statusOf(dashboard, post("/api/stop", {}, { headers: own })), 200);
    assert.deepEqual(run.commands, [["stop"]]);
  });
});

Deno.test("behind a proxy, its names are allowed, whichever Host it sends", async () => {
  const run = new FakeRun();
  const allowedHosts = ["load.example.com"];
  await withDashboard({ run, allowedHosts, token: TOKEN }, async (dashboard) => {
    const control = { ...FROM_PAGE, Authorization: `Bearer ${TOKEN}` };
    const status = (host: string, origin: string): Promise<number> =>
      statusOf(dashboard, post("/api/stop", {}, { host, headers: { ...control, Origin: origin } }));
    const own = dashboard.host;
    assert.equal(await statusOf(dashboard, { host: "load.example.com" }), 200);
    assert.equal(await status("load.example.com", "https://load.example.com"), 200);
    assert.equal(await status("load.example.com:8443", "https://load.example.com:8443"), 200);
    assert.equal(await status(own, "https://load.example.com"), 200);
    assert.equal(await status(own, `http://${own}`), 200);
    assert.deepEqual(run.commands, [["stop"], ["stop"], ["stop"], ["stop"]]);
    assert.equal(await status(own, "https://evil.example"), 403);
    assert.equal(await status("load.example.com", "https://evil.example"), 403);
    assert.equal(await status("evil.example", "https://load.example.com"), 403);
    assert.equal(run.commands.length, 4);
  });
});

Deno.test("a name that is not allowed is named in the error, with the option", async () => {
  await withDashboard({}, async (dashboard) => {
    const errorOf = async (request: RawRequest): Promise<string> =>
      JSON.parse((await sendRaw(dashboard, { path: "/api/summary", ...request })).body).error;
    assert.equal(
      await errorOf({ host: "Load.example.com:8443" }),
      "The Host header does not name this dashboard. If a proxy serves this dashboard at load.example.com: " +
        "--web-allowed-host load.example.com",
    );
    assert.equal(
      await errorOf({ headers: { Origin: "https://load.example.com" } }),
      "Cross-origin requests are not allowed. If a proxy serves this dashboard at load.example.com: " +
        "--web-allowed-host load.example.com",
    );
    const plain = "The Host header does not name this dashboard.";
    for (const host of [null, "x".repeat(300)]) {
      assert.equal(await errorOf({ host }), plain, `${host}`);
    }
    assert.equal(
      await errorOf({ headers: { Origin: "null" } }),
      "Cross-origin requests are not allowed.",
    );
  });
});

Deno.test("without a token, a dashboard behind a proxy is read-only", async () => {
  const run = new FakeRun();
  await withDashboard({ run, allowedHosts: ["load.example.com"] }, async (dashboard) => {
    assert.equal(
      await statusOf(dashboard, { host: "load.example.com", path: "/api/summary" }),
      200,
    );
    const answer = await sendRaw(dashboard, post("/api/stop", {}));
    assert.equal(answer.status, 403);
    assert.match(
      JSON.parse(answer.body).error,
      /^The dashboard is read-only: other machines reach/,
    );
    assert.deepEqual(run.commands, []);
  });
});

Deno.test("a link on another site can open the page, but nothing else", async () => {
  await withDashboard({}, async (dashboard) => {
    const headers = {
      "Sec-Fetch-Site": "cross-site",
      "Sec-Fetch-Mode": "navigate",
      "Sec-Fetch-Dest": "document",
    };
    assert.equal(await statusOf(dashboard, { path: "/", headers }), 200);
    assert.equal(await statusOf(dashboard, { path: "/api/summary", headers }), 403);
    const framed = { ...headers, "Sec-Fetch-Dest": "iframe" };
    assert.equal(await statusOf(dashboard, { path: "/", headers: framed }), 403);
  });
});

Deno.test("each path accepts only its own method", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async (dashboard) => {
    for (const path of [...CHANGES, "/api/login", "/api/logout"]) {
      for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
        const { status, headers } = await sendRaw(dashboard, { method, path, headers: FROM_PAGE });
        assert.equal(status, 405, `${method} ${path}`);
        assert.equal(headers.get("allow"), "POST");
      }
    }
    for (const path of ["/", "/healthz", "/metrics", "/api/summary", "/assets/app.js"]) {
      const { status, headers } = await sendRaw(dashboard, post(path, {}));
      assert.equal(status, 405, path);
      assert.equal(headers.get("allow"), "GET");
      const head = await sendRaw(dashboard, { method: "HEAD", path });
      assert.equal(head.status, 200);
      assert.equal(head.body, "");
    }
    assert.deepEqual(run.commands, []);
  });
});

Deno.test("a command needs the header, the media type, and a small JSON object", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async (dashboard) => {
    const { "X-Aiotest": _, ...without } = FROM_PAGE;
    const cases: [number, RawRequest][] = [
      [403, post("/api/stop", {}, { headers: without })],
      [403, post("/api/stop", {}, { headers: { ...FROM_PAGE, "X-Aiotest": "0" } })],
      [415, post("/api/stop", {}, { headers: { "X-Aiotest": "1" } })],
      [415, post("/api/stop", {}, { headers: { ...FROM_PAGE, "Content-Type": "text/plain" } })],
      [400, post("/api/stop", [])],
      [400, post("/api/stop", null)],
      [400, post("/api/stop", {}, { body: "" })],
      [400, post("/api/stop", {}, { body: "{" })],
      [413, post("/api/stop", { padding: "x".repeat(4096) })],
      [400, post("/api/target", {})],
      [400, post("/api/target", { users: 1.5, rate: 1 })],
      [400, post("/api/start", { rate: 0 })],
    ];
    for (const [status, request] of cases) {
      const answer = await sendRaw(dashboard, request);
      assert.equal(answer.status, status, `${request.path} ${request.body?.slice(0, 40)}`);
      assert.equal(typeof JSON.parse(answer.body).error, "string");
    }
    assert.deepEqual(run.commands, []);
    const headers = { ...FROM_PAGE, "Content-Type": "Application/JSON; charset=utf-8" };
    assert.equal(await statusOf(dashboard, post("/api/stop", {}, { headers })), 200);
  });
});

Deno.test("a run can be started, paused, changed and stopped, and its errors are returned", async () => {
  const run = FakeRun.waiting();
  await withDashboard({ run }, async (dashboard) => {
    const target = { arrivalRate: 50.5, maxUsers: 200 };
    assert.deepEqual(JSON.parse((await sendRaw(dashboard, post("/api/start", {}))).body), {
      ok: true,
    });
    assert.equal(await statusOf(dashboard, post("/api/target", { users: 20, rate: 2 })), 200);
    assert.equal(await statusOf(dashboard, post("/api/target", target)), 200);
    assert.equal(await statusOf(dashboard, post("/api/start", target)), 200);
    assert.equal(await statusOf(dashboard, post("/api/pause", {})), 200);
    assert.equal(await statusOf(dashboard, post("/api/resume", {})), 200);
    assert.equal(await statusOf(dashboard, post("/api/stop", {})), 200);
    assert.deepEqual(run.commands, [
      ["start", null],
      ["changeLoad", { users: 20, rate: 2 }],
      ["changeLoad", target],
      ["start", target],
      ["pause"],
      ["resume"],
      ["stop"],
    ]);
    assert.deepEqual(dashboard.logged.slice(0, 2), [
      "Started from the dashboard (127.0.0.1).",
      "Load changed from the dashboard (127.0.0.1): 20 users, 2 per second.",
    ]);
    run.commandError = "The test has its own load shape.";
    const answer = await sendRaw(dashboard, post("/api/target", { users: 1, rate: 1 }));
    assert.equal(answer.status, 409);
    assert.deepEqual(JSON.parse(answer.body), { error: "The test has its own load shape." });
  });
});

Deno.test("only the page starts further runs and ends the process, and wrong fields are named", async () => {
  const run = new FakeRun(snapshot({ state: "stopped" }));
  const commands: unknown[] = [];
  const state = { canStart: true, reason: "", workers: 2, problem: "" };
  run.series = {
    state,
    form: () => ({ ...state, flags: [] }) as unknown as RunForm,
    start: (fields) => {
      if (fields.users === 0) return { error: "users is 0; expected more.", field: "users" };
      commands.push(fields);
      return null;
    },
    quit: () => void commands.push("quit"),
  };
  await withDashboard({ run }, async (dashboard) => {
    const foreign = { ...FROM_PAGE, Origin: "http://evil.example" };
    for (const path of ["/api/start", "/api/quit"]) {
      assert.equal(await statusOf(dashboard, post(path, {}, { headers: foreign })), 403);
      const headers = { "Content-Type": "application/json" };
      assert.equal(await statusOf(dashboard, post(path, {}, { headers })), 403);
      assert.equal(await statusOf(dashboard, post(path, {}, { host: "evil.example" })), 403);
      assert.equal(await statusOf(dashboard, { path }), 405);
    }
    assert.equal(await statusOf(dashboard, { path: "/api/form", host: "evil.example" }), 403);
    assert.deepEqual(commands, []);
    const wrong = await sendRaw(dashboard, post("/api/start", { users: 0 }));
    assert.equal(wrong.status, 400);
    assert.deepEqual(JSON.parse(wrong.body), {
      error: "users is 0; expected more.",
      field: "users",
    });
    assert.equal(await statusOf(dashboard, post("/api/start", { users: 5 })), 200);
    assert.equal(await statusOf(dashboard, post("/api/quit", {})), 200);
    assert.deepEqual(commands, [{ users: 5 }, "quit"]);
    const { live } = JSON.parse((await sendRaw(dashboard, { path: "/api/summary" })).body);
    assert.deepEqual(live.series, state);
  });
  await withDashboard({ run, token: "open sesame" }, async (dashboard) => {
    assert.equal(await statusOf(dashboard, post("/api/start", {})), 401);
    assert.equal(await statusOf(dashboard, post("/api/quit", {})), 401);
    assert.equal(await statusOf(dashboard, { path: "/api/form" }), 401);
  });
});

Deno.test("internal errors are not revealed", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async (dashboard) => {
    run.snapshot = () => {
      throw new TypeError("secret detail");
    };
    const { status, body } = await sendRaw(dashboard, { path: "/api/summary" });
    assert.equal(status, 500);
    assert.equal(body, '{"error":"Internal error in aiotest."}\n');
    assert.deepEqual(dashboard.logged, [
      "The dashboard could not answer a request: TypeError: secret detail",
    ]);
  });
});

Deno.test("the summary is that of --json with the live state", async () => {
  await withDashboard({}, async (dashboard) => {
    const { headers, body } = await sendRaw(dashboard, { path: "/api/summary" });
    assert.equal(headers.get("content-type"), "application/json; charset=utf-8");
    const content = JSON.parse(body);
    assert.equal(content.aiotest, "1.2.3");
    assert.equal(content.totals.requests, 1000);
    assert.equal(typeof content.totals.histogram, "string");
    assert.equal(typeof content.requests[0].histogram, "string");
    assert.equal(content.exitCode, null);
    assert.equal(content.live.state, "running");
    assert.deepEqual(content.live.control, {
      allowed: true,
      canStart: false,
      canStop: true,
      canChange: true,
      canPause: true,
      canResume: false,
      canStopWorkers: false,
      reason: "",
    });
  });
});

Deno.test("the summary contains the exit code after the end", async () => {
  await withDashboard({}, async (dashboard) => {
    dashboard.server.update(snapshot({ state: "stopped" }), 3);
    const { body } = await sendRaw(dashboard, { path: "/api/summary" });
    assert.equal(JSON.parse(body).exitCode, 3);
  });
});

Deno.test("reports of the run at this moment can be downloaded", async () => {
  await withDashboard({}, async (dashboard) => {
    const { status, headers, body } = await sendRaw(dashboard, { path: "/api/report/csv-stats" });
    assert.equal(status, 200);
    assert.equal(headers.get("content-disposition"), 'attachment; filename="aiotest_stats.csv"');
    assert.equal(headers.get("content-type"), "text/csv; charset=utf-8");
    assert.match(body, /^Type,Name,/);
    dashboard.run.now = shopSnapshot(20);
    const json = await sendRaw(dashboard, { path: "/api/report/json" });
    assert.equal(JSON.parse(json.body).totals.requests, 8240);
    assert.equal(await statusOf(dashboard, { path: "/api/report/pdf" }), 404);
  });
});

Deno.test("a report that is longer than one part is downloaded whole", async () => {
  await withDashboard({}, async (dashboard) => {
    const warnings = Array.from({ length: 5000 }, (_, i) => `The network is slow, ${i}.`);
    dashboard.run.now = snapshot({ warnings });
    for (const path of ["/api/report/json", "/api/summary"]) {
      const response = await fetch(`http://${dashboard.host}${path}`);
      assert.deepEqual((await response.json()).warnings, warnings);
    }
  });
});

Deno.test("metrics and the health check are served", async () => {
  await withDashboard({ token: TOKEN }, async (dashboard) => {
    assert.equal((await sendRaw(dashboard, { path: "/healthz" })).body, "ok\n");
    assert.equal(await statusOf(dashboard, { path: "/metrics" }), 401);
    const headers = { Authorization: `Bearer ${TOKEN}` };
    const metrics = await sendRaw(dashboard, { path: "/metrics", headers });
    assert.equal(metrics.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(metrics.body, "aiotest_up 1\n");
  });
});

Deno.test("with a token, only the page's files and the health check are public", async () => {
  const run = new FakeRun();
  await withDashboard({ token: TOKEN, run }, async (dashboard) => {
    for (const path of ["/", "/assets/app.js", "/assets/uPlot.esm.js", "/healthz"]) {
      assert.equal(await statusOf(dashboard, { path }), 200, path);
    }
    const refused = async (headers: Record<string, string>): Promise<void> => {
      for (const path of READS) {
        const answer = await sendRaw(dashboard, { path, headers });
        assert.equal(answer.status, 401, path);
        assert.equal(answer.headers.get("www-authenticate"), "Bearer");
      }
      for (const path of CHANGES) {
        const all = { ...FROM_PAGE, ...headers };
        assert.equal(await statusOf(dashboard, post(path, {}, { headers: all })), 401, path);
      }
    };
    await refused({});
    await refused({ Cookie: "aiotest=; aiotest=x; other=y" });
    await refused({ Authorization: "Basic b3BlbiBzZXNhbWU=" });
    assert.deepEqual(run.commands, []);
    for (const given of ["", "x", `${TOKEN} `, "open", "OPEN SESAME"]) {
      assert.equal(await statusOf(dashboard, post("/api/login", { token: given })), 401, given);
    }
    assert.equal(await statusOf(dashboard, post("/api/login", { token: 1 })), 400);
  });
});

Deno.test("a login sets a cookie that is valid until the logout", async () => {
  const run = new FakeRun();
  await withDashboard({ token: TOKEN, run }, async (dashboard) => {
    const setCookie = await loginCookie(dashboard);
    assert.match(setCookie, /^aiotest=[0-9a-f]{64}; HttpOnly; SameSite=Strict; Path=\/$/);
    const headers = { ...FROM_PAGE, Cookie: `theme=dark; ${setCookie.split(";")[0]}` };
    assert.equal(await statusOf(dashboard, { path: "/api/summary", headers }), 200);
    assert.equal(await statusOf(dashboard, post("/api/stop", {}, { headers })), 200);
    const other = await loginCookie(dashboard);
    assert.notEqual(other, setCookie);

    const goodbye = await sendRaw(dashboard, post("/api/logout", {}, { headers }));
    assert.match(goodbye.headers.get("set-cookie")!, /^aiotest=; .*Max-Age=0$/);
    assert.equal(await statusOf(dashboard, { path: "/api/summary", headers }), 401);
    const stillIn = { Cookie: other.split(";")[0]! };
    assert.equal(await statusOf(dashboard, { path: "/api/summary", headers: stillIn }), 200);
  });
});

Deno.test("a cookie set over HTTPS is only sent over HTTPS", async () => {
  await withDashboard({ token: TOKEN }, async (dashboard) => {
    const headers = { ...FROM_PAGE, Origin: `https://${dashboard.host}` };
    const { headers: answered } = await sendRaw(
      dashboard,
      post("/api/login", { token: TOKEN }, { headers }),
    );
    assert.match(answered.get("set-cookie")!, /; Secure$/);
  });
});

Deno.test("without a token, a login is an error", async () => {
  await withDashboard({}, async (dashboard) => {
    assert.equal(await statusOf(dashboard, post("/api/login", { token: "x" })), 409);
  });
});

Deno.test("without a token, a dashboard for other machines is read-only", async () => {
  const run = new FakeRun();
  await withDashboard({ bindHost: "0.0.0.0", run }, async (dashboard) => {
    for (const path of CHANGES) {
      const answer = await sendRaw(dashboard, post(path, {}));
      assert.equal(answer.status, 403, path);
      assert.match(JSON.parse(answer.body).error, /^The dashboard is read-only: /);
    }
    const { live } = JSON.parse((await sendRaw(dashboard, { path: "/api/summary" })).body);
    assert.equal(live.control.allowed, false);
    assert.match(live.control.reason, /^The dashboard is read-only: .*--web-token\.$/);
    assert.deepEqual(run.commands, []);
  });
  await withDashboard({ bindHost: "0.0.0.0", run, token: TOKEN }, async (dashboard) => {
    const headers = { ...FROM_PAGE, Authorization: `Bearer ${TOKEN}` };
    assert.equal(await statusOf(dashboard, post("/api/stop", {}, { headers })), 200);
  });
});

Deno.test("an address that guesses tokens is blocked without affecting others", async () => {
  const run = new FakeRun();
  await withDashboard({ token: TOKEN, run }, async (dashboard) => {
    const headers = { Cookie: (await loginCookie(dashboard)).split(";")[0]! };
    const statuses = new Map<number, number>();
    for (let count = 0; count < 1000; count++) {
      const response = await guess(dashboard, count);
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      if (response.status !== 429) continue;
      assert.match(response.headers.get("retry-after")!, /^(?:[1-9]|[1-5]\d|60)$/);
    }
    assert.deepEqual([...statuses], [[401, 10], [429, 990]]);
    assert.deepEqual(dashboard.logged, [
      "Too many wrong dashboard tokens from 127.0.0.1; the address is blocked for up to a minute.",
    ]);
    // Not even the correct token is checked; otherwise the response would reveal it.
    assert.equal(await statusOf(dashboard, post("/api/login", { token: TOKEN })), 429);
    assert.equal(await statusOf(dashboard, { path: "/api/summary", headers }), 200);
    const elsewhere = await sendFrom("127.0.0.2", dashboard, `Bearer ${TOKEN}`);
    assert.equal(elsewhere.status, 200);
  });
});

/** Sends a wrong token, as a login or in a header. */
async function guess({ host }: TestDashboard, number: number): Promise<Response> {
  const response = number % 2 === 0
    ? await fetch(`http://${host}/api/login`, {
      method: "POST",
      headers: FROM_PAGE,
      body: JSON.stringify({ token: `wrong ${number}` }),
    })
    : await fetch(`http://${host}/metrics`, {
      headers: { Authorization: `Bearer wrong ${number}` },
    });
  await response.body?.cancel();
  return response;
}

/** Requests the summary from another loopback address. */
function sendFrom(
  localAddress: string,
  { port, host }: TestDashboard,
  authorization: string,
): Promise<Pick<RawResponse, "status">> {
  const { promise, resolve, reject } = Promise.withResolvers<Pick<RawResponse, "status">>();
  const socket = connect({ host: "127.0.0.1", port, localAddress }, () => {
    socket.write(
      `GET /api/summary HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n` +
        `Authorization: ${authorization}\r\n\r\n`,
    );
  });
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (more: string) => text += more);
  socket.on("error", reject);
  socket.on("close", () => resolve({ status: Number(text.split(" ")[1]) }));
  return promise;
}

Deno.test("an address is unblocked after a minute", async () => {
  const clock = new FakeClock();
  await withDashboard({ token: TOKEN, clock }, async (dashboard) => {
    for (let count = 0; count < 10; count++) {
      assert.equal(await statusOf(dashboard, post("/api/login", { token: "wrong" })), 401);
    }
    await clock.advance(59_999);
    assert.equal(await statusOf(dashboard, post("/api/login", { token: TOKEN })), 429);
    await clock.advance(1);
    assert.equal(await statusOf(dashboard, post("/api/login", { token: TOKEN })), 200);
  });
});

Deno.test("below a base path, everything works as at the root", async () => {
  const run = new FakeRun();
  await withDashboard({ run, token: TOKEN, basePath: "/tools/load" }, async (dashboard) => {
    const at = "/tools/load";
    const page = await sendRaw(dashboard, { path: `${at}/` });
    assert.equal(page.status, 200);
    assert.match(page.body, /<meta name="base-path" content="\/tools\/load">/);
    assert.match(page.body, /aiotest expects this page at \/tools\/load\/\./);
    const moved = await sendRaw(dashboard, { path: at });
    assert.deepEqual([moved.status, moved.headers.get("location")], [308, `${at}/`]);
    assert.equal(await statusOf(dashboard, { path: `${at}/assets/app.js` }), 200);
    assert.equal(await statusOf(dashboard, { path: `${at}/healthz`, host: "any.example" }), 200);

    const login = await sendRaw(dashboard, post(`${at}/api/login`, { token: TOKEN }));
    const cookie = login.headers.get("set-cookie")!;
    assert.match(cookie, /; Path=\/tools\/load\/$/);
    const headers = { ...FROM_PAGE, Cookie: cookie.split(";")[0]! };
    for (const path of READS.filter((path) => path !== "/api/stream")) {
      assert.equal(await statusOf(dashboard, { path: at + path }), 401, path);
      assert.equal(await statusOf(dashboard, { path: at + path, headers }), 200, path);
      assert.equal(await statusOf(dashboard, { path, headers }), 404, path);
    }
    assert.equal(await statusOf(dashboard, post(`${at}/api/stop`, {})), 401);
    assert.equal(await statusOf(dashboard, post("/api/stop", {}, { headers })), 404);
    assert.deepEqual(run.commands, []);
    assert.equal(await statusOf(dashboard, post(`${at}/api/stop`, {}, { headers })), 200);
    const logout = await sendRaw(dashboard, post(`${at}/api/logout`, {}, { headers }));
    assert.match(logout.headers.get("set-cookie")!, /Path=\/tools\/load\/; Max-Age=0$/);
    assert.equal(await statusOf(dashboard, { path: `${at}/api/summary`, headers }), 401);

    for (const path of ["/", "/tools/loader/", "/tools/load/../api/summary", "/healthz"]) {
      const { status, body } = await sendRaw(dashboard, { path });
      assert.equal(status, 404, path);
      assert.match(JSON.parse(body).error, /\(--web-base-path \/tools\/load\)/, path);
    }
  });
});

Deno.test("a person who opens a wrong path gets a page, which shows it as text", async () => {
  await withDashboard({ basePath: "/load" }, async (dashboard) => {
    const headers = {
      Accept: "text/html,*/*;q=0.8",
      ...{ "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" },
      "Sec-Fetch-Dest": "document",
    };
    const page = await sendRaw(dashboard, { path: "/<script>'", headers });
    assert.equal(page.status, 404);
    assert.equal(page.headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(page.headers.get("content-security-policy")!, /^default-src 'self';/);
    assert.match(page.body, /<a href="\/load\/">Open the dashboard at \/load\/<\/a>/);
    assert.match(
      page.body,
      /Received the path \/%3Cscript%3E&#39;, expected a path below \/load\//,
    );
    const foreign = await sendRaw(dashboard, { path: "/load/", host: "a.example", headers });
    assert.equal(foreign.status, 403);
    assert.match(foreign.body, /--web-allowed-host a\.example/);
  });
});

const PROXIED = { "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https" };

Deno.test("without a token, a request that came through a proxy cannot change the run", async () => {
  const run = new FakeRun();
  const forwarded = (address: string): Record<string, string> => ({
    ...FROM_PAGE,
    "X-Forwarded-For": address,
  });
  const canStop = async (dashboard: TestDashboard, headers: typeof FROM_PAGE): Promise<boolean> => {
    const { status, body } = await sendRaw(dashboard, post("/api/stop", {}, { headers }));
    const summary = await sendRaw(dashboard, { path: "/api/summary", headers });
    const { control } = JSON.parse(summary.body).live;
    assert.equal(control.allowed, status === 200);
    if (status !== 200) {
      assert.equal(status, 403);
      assert.equal(JSON.parse(body).error, control.reason);
      assert.match(control.reason, /^The dashboard is read-only for requests that come through a /);
    }
    return status === 200;
  };
  await withDashboard({ run }, async (dashboard) => {
    assert.equal(await canStop(dashboard, { ...FROM_PAGE, ...forwarded("127.0.0.1") }), false);
    assert.equal(await canStop(dashboard, { ...FROM_PAGE, Via: "1.1 proxy" } as never), false);
    assert.deepEqual(run.commands, []);
    assert.equal(await canStop(dashboard, FROM_PAGE), true);
  });
  await withDashboard({ run, trustedProxies: ["127.0.0.1/32"] }, async (dashboard) => {
    run.commands.length = 0;
    for (const address of ["192.0.2.1", "127.0.0.1, 192.0.2.1", "unknown"]) {
      assert.equal(
        await canStop(dashboard, { ...FROM_PAGE, ...forwarded(address) }),
        false,
        address,
      );
    }
    assert.equal(await canStop(dashboard, FROM_PAGE), false);
    assert.deepEqual(run.commands, []);
    assert.equal(await canStop(dashboard, { ...FROM_PAGE, ...forwarded("127.0.0.1") }), true);
  });
});

Deno.test("clients that may change the run, and others, share a stream of the same run", async () => {
  const run = new FakeRun();
  await withDashboard({ run }, async (dashboard) => {
    const open = async (headers: Record<string, string>): Promise<EventReader> =>
      new EventReader((await fetch(`http://${dashboard.host}/api/stream`, { headers })).body!);
    const readers = [await open({}), await open({ "X-Forwarded-For": "192.0.2.1" })];
    const allowed = async (): Promise<boolean[]> => {
      const events = await Promise.all(readers.map((reader) => reader.next()));
      return events.map((event) => event!.data.live.control.allowed);
    };
    assert.deepEqual(await allowed(), [true, false]);
    dashboard.server.update({ ...run.now, elapsedSeconds: 11 });
    assert.deepEqual(await allowed(), [true, false]);
    dashboard.server.update({ ...run.now, state: "stopping" });
    assert.deepEqual(await allowed(), [true, false]);
    for (const reader of readers) await reader.leave();
  });
});

Deno.test("through a trusted proxy, the names that the browser used are checked", async () => {
  const run = new FakeRun();
  const options = {
    run,
    token: TOKEN,
    basePath: "/load",
    allowedHosts: ["load.example.com"],
    trustedProxies: ["127.0.0.1/32"],
  };
  await withDashboard(options, async (dashboard) => {
    const control = { ...FROM_PAGE, ...PROXIED, Authorization: `Bearer ${TOKEN}` };
    const status = (headers: Record<string, string>, host = dashboard.host): Promise<number> =>
      statusOf(
        dashboard,
        post("/load/api/stop", {}, { host, headers: { ...control, ...headers } }),
      );
    const name = "load.example.com";
    assert.equal(await status({ "X-Forwarded-Host": name, Origin: `https://${name}` }), 200);
    assert.equal(await status({ "X-Forwarded-Host": name, "Sec-Fetch-Site": "same-origin" }), 200);
    const good = run.commands.length;
    const bad: [headers: Record<string, string>, host?: string][] = [
      // DNS rebinding: the page's own name leads to the proxy.
      [{ "X-Forwarded-Host": "evil.example" }],
      [{ "X-Forwarded-Host": "evil.example", Origin: "https://evil.example" }],
      [{ "X-Forwarded-Host": `${name}, evil.example` }],
      [{ "X-Forwarded-Host": `evil.example, ${name}` }],
      [{ "X-Forwarded-Host": name }, "evil.example"],
      [{ Forwarded: `host=${name}`, "X-Forwarded-Host": "evil.example" }],
      [{ Forwarded: 'host="evil.example"' }],
      // Another site, another scheme, and a site beside it.
      [{ "X-Forwarded-Host": name, Origin: "https://evil.example" }],
      [{ "X-Forwarded-Host": name, Origin: `http://${name}` }],
      [{ "X-Forwarded-Host": name, Origin: "null" }],
      [{ "X-Forwarded-Host": name, "Sec-Fetch-Site": "cross-site" }],
      [{ "X-Forwarded-Host": name, "Sec-Fetch-Site": "same-site" }],
      [{ "X-Forwarded-Host": name, "X-Aiotest": "0" }],
      [{ "X-Forwarded-Host": name, Authorization: "" }],
    ];
    for (const [headers, host] of bad) {
      const refused = await status(headers, host);
      assert.ok(refused === 403 || refused === 401, JSON.stringify(headers));
    }
    assert.equal(await status({ "X-Forwarded-Host": name, "Content-Type": "text/plain" }), 415);
    for (const path of CHANGES) {
      assert.equal(await statusOf(dashboard, { path: `/load${path}`, headers: control }), 405);
    }
    assert.equal(run.commands.length, good);
  });
});

Deno.test("through a trusted proxy, the cookie is for what the browser uses", async () => {
  const options = { token: TOKEN, trustedProxies: ["127.0.0.1/32"], basePath: "/load" };
  await withDashboard(options, async (dashboard) => {
    const cookie = async (headers: Record<string, string>): Promise<string> => {
      const request = post("/load/api/login", { token: TOKEN }, {
        headers: { ...FROM_PAGE, ...headers },
      });
      return (await sendRaw(dashboard, request)).headers.get("set-cookie")!.replace(/^.*?; /, "");
    };
    const common = "HttpOnly; SameSite=Strict";
    assert.equal(await cookie({}), `${common}; Path=/load/`);
    assert.equal(await cookie(PROXIED), `${common}; Path=/load/; Secure`);
    assert.equal(
      await cookie({ ...PROXIED, "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/a" }),
      `${common}; Path=/a/load/`,
    );
  });
});

Deno.test("through a trusted proxy, each client has its own limit of wrong tokens", async () => {
  const options = { token: TOKEN, trustedProxies: ["127.0.0.1/32"] };
  await withDashboard(options, async (dashboard) => {
    const logIn = (address: string, token: string): Promise<number> => {
      const headers = { ...FROM_PAGE, "X-Forwarded-For": `10.9.9.9, ${address}` };
      return statusOf(dashboard, post("/api/login", { token }, { headers }));
    };
    for (let count = 0; count < 10; count++) assert.equal(await logIn("192.0.2.1", "wrong"), 401);
    assert.equal(await logIn("192.0.2.1", TOKEN), 429);
    assert.equal(await logIn("192.0.2.2", TOKEN), 200);
    assert.match(dashboard.logged[0]!, /from 192\.0\.2\.1;/);
  });
});
