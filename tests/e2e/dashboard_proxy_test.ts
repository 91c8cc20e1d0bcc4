/// <reference lib="dom" />
/** The dashboard behind a real nginx, as docs/dashboard.md configures it, and with TLS of its own. */
import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { browserTest, openPage, textOf, waitForText } from "../support/browser.ts";
import { testAuthority } from "../support/certificates.ts";
import { endOf } from "../support/cluster.ts";
import { FROM_PAGE, type RawRequest, sendRaw } from "../support/dashboard.ts";
import { EventReader } from "../support/event_reader.ts";
import { onlyBlock } from "../support/fenced_blocks.ts";
import { LoggingServer } from "../support/logging_server.ts";
import { isMissing, steadyPort } from "../support/machine.ts";
import { projectPath } from "../support/paths.ts";
import { startAiotest, type Started } from "../support/process.ts";
import { ReverseProxy } from "../support/reverse_proxy.ts";
import { Target } from "../support/target.ts";

/** The options for a dashboard behind a proxy of this machine, as the page explains them. */
const BEHIND_PROXY = [
  ...["--web-base-path", "/aiotest", "--web-allowed-host", "localhost"],
  ...["--web-trusted-proxy", "127.0.0.1"],
];

const SHOP = `
import { FastHttpUser } from "aiotest";
export class ShopTest extends FastHttpUser {
  static override waitTime = 0.05;
  async testSearch(): Promise<void> {
    await this.session.get("/search");
  }
}
`;

const TOKEN = "open sesame";
const CERTS = projectPath("tests/support/certs");

/** A run of a test, which lasts until it is stopped, and its target. */
class Scene implements AsyncDisposable {
  readonly target = new Target({ "/search": () => new Response("boots") });
  readonly #folder = Deno.makeTempDirSync();
  #run: Started | null = null;

  /** Starts aiotest. Returns the URL of its dashboard. */
  async start(args: readonly string[], env: Record<string, string> = {}): Promise<URL> {
    await Deno.writeTextFile(`${this.#folder}/aiotestfile.ts`, SHOP);
    this.#run = startAiotest(
      ["-H", this.target.url, "-u", "4", "--web-port", "0", "--json", "summary.json", ...args],
      { cwd: this.#folder, env: { AIOTEST_NO_WEB: "false", ...env } },
    );
    return new URL(await this.#run.tells(/Dashboard: (https?:\S+)/));
  }

  /** Waits until the run has ended by itself. */
  async end(): Promise<Summary> {
    const { code, stderr } = await endOf(this.#run!);
    assert.equal(code, 0, stderr);
    return JSON.parse(await Deno.readTextFile(`${this.#folder}/summary.json`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#run?.kill("SIGKILL");
    } catch {
      // It has already exited.
    }
    await this.#run?.finished;
    await this.target[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** The configuration of nginx in docs/dashboard.md, for a dashboard. */
async function documentedServer(dashboard: URL): Promise<string> {
  const page = await Deno.readTextFile(projectPath("docs/dashboard.md"));
  const [, block = ""] = /^```nginx\n(.*?)^```$/ms.exec(page) ?? [];
  assert.match(block, /proxy_pass http:\/\/127\.0\.0\.1:8089;/);
  return block
    .replaceAll("http://127.0.0.1:8089", dashboard.origin)
    .replaceAll("load.example.com", "localhost")
    // Another path, from which nginx removes the prefix although the dashboard expects it.
    .replace("location ", `location /removed/ { proxy_pass ${dashboard.origin}/; }\n  location `);
}

async function errorAt(url: string, status = 404): Promise<string> {
  const response = await fetch(url);
  assert.equal(response.status, status);
  return (await response.json()).error;
}

Deno.test("behind Caddy, the dashboard is below its path, and knows that its client uses a proxy", {
  ignore: isMissing("caddy"),
}, async () => {
  await using scene = new Scene();
  const dashboard = await scene.start(BEHIND_PROXY, { AIOTEST_WEB_TOKEN: TOKEN });
  const folder = await Deno.makeTempDir();
  const url = `http://localhost:${steadyPort()}/aiotest`;
  const site = (await onlyBlock("docs/dashboard.md", "caddyfile"))
    .replace("load.example.com", new URL(url).origin)
    .replace("127.0.0.1:8089", dashboard.host);
  await Deno.writeTextFile(`${folder}/Caddyfile`, `{\n  admin off\n}\n${site}`);
  const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  const args = ["run", "--config", `${folder}/Caddyfile`];
  await using _proxy = await LoggingServer.start(
    { program: "caddy", args, env },
    "serving initial",
  );
  const page = await fetch(url);
  assert.deepEqual([page.status, page.url], [200, `${url}/`]);
  assert.match(await page.text(), /<title>/);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const summary = await fetch(`${url}/api/summary`, { headers });
  assert.deepEqual([summary.status, (await summary.json()).state], [200, "running"]);
  assert.match(await errorAt(`${url}/api/summary`, 401), /token/);
  await Deno.remove(folder, { recursive: true });
});

if (isMissing("nginx")) {
  Deno.test({
    name: "behind a proxy (skipped: nginx is not installed)",
    ignore: true,
    fn: () => {},
  });
} else {
  browserTest("behind nginx, below a path, a run can be seen and stopped", async (browser) => {
    await using scene = new Scene();
    const dashboard = await scene.start(BEHIND_PROXY, { AIOTEST_WEB_TOKEN: TOKEN });
    assert.equal(dashboard.pathname, "/aiotest/");
    await using proxy = await ReverseProxy.start(await documentedServer(dashboard));
    const { tlsPort, plainPort } = proxy;

    const { page, context, complaints } = await openPage(browser, { acceptsAnyCertificate: true });
    await page.goto(`https://localhost:${tlsPort}/aiotest`);
    assert.equal(page.url(), `https://localhost:${tlsPort}/aiotest/`);
    await page.locator("#token").fill(TOKEN);
    // The stream that was refused before the login.
    assert.deepEqual(complaints.splice(0).filter((text) => !text.includes("401")), []);
    await page.getByRole("button", { name: "Log in" }).click();
    await waitForText(page, "#state", "Running");
    await waitForText(page, "#tile-users .tile-value", /^4$/);
    const time = await textOf(page, "#time");
    await page.locator("#time").filter({ hasNotText: time }).waitFor();
    assert.equal(await page.locator("#wrong-place").isVisible(), false);
    assert.equal(await page.locator("#unloaded").count(), 0);
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie!.path, cookie!.secure, cookie!.sameSite], [
      "/aiotest/",
      true,
      "Strict",
    ]);
    const download = page.waitForEvent("download");
    await page.locator("a[href='api/report/html']").click();
    assert.equal((await download).suggestedFilename(), "aiotest.html");

    // What other sites could make a browser send, through nginx and directly.
    const session = { ...FROM_PAGE, Cookie: `aiotest=${cookie!.value}` };
    const stop = { method: "POST", path: "/aiotest/api/stop", body: "{}" };
    const attacks: [status: number, request: RawRequest][] = [
      [403, { host: "evil.example", headers: session }],
      [403, { headers: { ...session, Origin: "https://evil.example" } }],
      [403, { headers: { ...session, Origin: "null" } }],
      [403, { headers: { ...session, "Sec-Fetch-Site": "cross-site" } }],
      [403, { headers: { ...session, "Sec-Fetch-Site": "same-site" } }],
      [403, { headers: { ...session, "X-Aiotest": "0" } }],
      [415, { headers: { ...session, "Content-Type": "text/plain" } }],
      [405, { headers: session, method: "GET", body: "" }],
      [401, { headers: FROM_PAGE }],
      [401, {
        headers: { ...FROM_PAGE, "X-Forwarded-For": "127.0.0.1", Forwarded: "for=127.0.0.1" },
      }],
    ];
    const ways = [
      { port: plainPort, host: `localhost:${plainPort}` },
      { port: Number(dashboard.port), host: dashboard.host },
    ];
    for (const way of ways) {
      for (const [status, request] of attacks) {
        const answer = await sendRaw(way, { ...stop, ...request });
        assert.equal(answer.status, status, JSON.stringify([way, request]));
      }
    }

    assert.equal(
      await errorAt(`http://localhost:${plainPort}/removed/api/summary`),
      "Not found. Received the path /api/summary, expected /aiotest/api/summary (--web-base-path " +
        "/aiotest). If a proxy removes /aiotest from the path, let it pass on the whole path, or " +
        "start aiotest without --web-base-path.",
    );
    const wrong = await context.newPage();
    await wrong.goto(`https://localhost:${tlsPort}/removed/`);
    await waitForText(wrong, "p", "Received the path /, expected /aiotest/");
    await wrong.getByRole("link", { name: "/aiotest/" }).click();
    await waitForText(wrong, "#state", "Running");
    // A name that aiotest does not know: the browser gets the page, but no script.
    await wrong.goto(`http://127.0.0.1:${plainPort}/removed/aiotest/`);
    await waitForText(
      wrong,
      "#unloaded",
      "(--web-allowed-host). aiotest expects this page at /aiotest/.",
    );
    await wrong.close();

    await page.getByRole("button", { name: "Stop" }).click();
    const summary = await scene.end();
    await waitForText(page, "#connection.over", "aiotest has exited; these are the final results");
    assert.equal(summary.totals.requests, scene.target.requests.length);
    assert.deepEqual(complaints.filter((text) => !/ERR_|50[24]/.test(text)), []);
  });

  Deno.test("with its own TLS, and behind a proxy that nobody trusts, it is read-only there", async () => {
    await using scene = new Scene();
    const dashboard = await scene.start([
      ...["--processes", "2", "--web-tls-cert", `${CERTS}/good.pem`],
      ...["--web-tls-key", `${CERTS}/good.key`],
    ]);
    assert.equal(dashboard.protocol, "https:");
    const proxied = "proxy_set_header X-Forwarded-For $remote_addr; proxy_buffering on;";
    await using proxy = await ReverseProxy.start(`
      server {
        listen 443 ssl;
        location / { proxy_pass ${dashboard.origin}; ${proxied} }
        location /aiotest/ { proxy_pass ${dashboard.origin}; ${proxied} }
      }`);
    const through = `http://127.0.0.1:${proxy.plainPort}`;
    const client = Deno.createHttpClient({ caCerts: [testAuthority()] });

    // Although nginx buffers what does not ask it not to.
    const stream = new EventReader((await fetch(`${through}/api/stream`)).body!);
    const view = await stream.next();
    assert.equal(view?.data.live.control.allowed, false);
    assert.match(
      view.data.live.control.reason,
      /^The dashboard is read-only for requests that come /,
    );
    for (let event = view;; event = (await stream.next())!) {
      if (event.data.live?.state === "running" && event.data.totals.requests > 0) break;
    }
    await stream.leave();
    assert.equal(
      await errorAt(`${through}/aiotest/api/summary`),
      "Not found. Received the path /aiotest/api/summary, expected /api/summary. If a proxy serves " +
        "this dashboard below /aiotest/ and passes on the whole path: --web-base-path /aiotest",
    );
    const stop = { method: "POST", headers: FROM_PAGE, body: "{}" };
    const refused = await fetch(`${through}/api/stop`, stop);
    assert.deepEqual([refused.status, (await refused.json()).error], [
      403,
      view.data.live.control.reason,
    ]);

    // Plain HTTP at the port of TLS.
    const at = { port: Number(dashboard.port), host: dashboard.host };
    const plain = await sendRaw(at, {}).catch(() => null);
    assert.ok(plain === null || Number.isNaN(plain.status) || plain.status === 0);
    const stopped = await fetch(`${dashboard.origin}/api/stop`, { ...stop, client });
    assert.deepEqual(await stopped.json(), { ok: true });
    const summary = await scene.end();
    assert.equal(summary.totals.requests, scene.target.requests.length);
    client.close();
  });
}
