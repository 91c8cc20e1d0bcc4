import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { projectPath } from "../support/paths.ts";
import { checkConverted } from "../support/init.ts";
import { runAiotest } from "../support/process.ts";
import { type SeenRequest, Target } from "../support/target.ts";

const DATA = projectPath("tests/convert/data/postman");

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function text({ body }: SeenRequest): string {
  return new TextDecoder().decode(body);
}

async function form(request: SeenRequest): Promise<Record<string, unknown>> {
  const response = new Response(request.body, {
    headers: { "content-type": request.headers.get("content-type")! },
  });
  const fields: Record<string, unknown> = {};
  for (const [name, value] of await response.formData()) {
    fields[name] = value instanceof File ? [value.name, value.type, await value.text()] : value;
  }
  return fields;
}

/** What is the same in every run. */
function line(request: SeenRequest): string {
  const { method, path, query } = request;
  return `${method} ${path}${query.size === 0 ? "" : `?${query}`}`;
}

/** Converts a collection whose hosts are the target, checks the test file, and runs it once. */
async function convertAndRun(
  folder: string,
  { name, args, env, hosts, url }: {
    readonly name: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly hosts: readonly string[];
    readonly url: string;
  },
): Promise<Summary> {
  let collection = await Deno.readTextFile(`${DATA}/${name}`);
  for (const host of hosts) collection = collection.replaceAll(host, url);
  await Deno.writeTextFile(`${folder}/c.json`, collection);
  const init = await runAiotest(["init", "api", "--postman", "c.json", ...args], { cwd: folder });
  assert.equal(init.code, 0, init.stderr);
  await checkConverted(`${folder}/api`);
  const run = await runAiotest(
    ["-f", "aiotestfile.ts", "--once", "-H", url, "--json", "a.json"],
    { cwd: `${folder}/api`, env: { ...env } },
  );
  assert.equal(run.code, 0, run.stdout + run.stderr);
  return JSON.parse(await Deno.readTextFile(`${folder}/api/a.json`));
}

Deno.test("a collection with an environment becomes a test that sends its requests", async () => {
  await using target = new Target({
    "/api/login": () =>
      Response.json({ data: { token: "t-1" } }, { headers: { "x-session": "s-1" } }),
    "/api/orders": () =>
      Response.json({ id: 42, status: "open", paid: false, lines: [1] }, {
        status: 201,
        headers: { "content-type": "application/json" },
      }),
    "/api/orders/42/lines/1": () => new Response("no such line", { status: 404 }),
    "/api/orders/42/payment": () => new Response(),
    "/api/orders/42/files": () => new Response(),
    "/api/graphql": () => new Response(),
    "/api/xml": () => new Response(),
    "/logo": ({ headers }) =>
      headers.get("authorization")?.startsWith('Digest username="u"') === true
        ? new Response()
        : new Response(null, {
          status: 401,
          headers: { "www-authenticate": 'Digest realm="r", nonce="n", qop="auth"' },
        }),
  });
  await inFolder(async (folder) => {
    const summary = await convertAndRun(folder, {
      name: "shop.json",
      args: ["--postman-environment", `${DATA}/shop.environment.json`],
      env: {
        PASSWORD: "pw",
        API_KEY: "k",
        WEB_SHOP_ACCESS_TOKEN: "query",
        WEB_SHOP_PASSWORD: "digest",
      },
      hosts: ["https://{{region}}.shop.example", "https://files.shop.example"],
      url: target.url,
    });
    const seen = target.requests;
    assert.deepEqual(seen.map(line), [
      "POST /api/login",
      "POST /api/orders?notify=true&flag=",
      "GET /api/orders/42/lines/1",
      "PUT /api/orders/42/payment",
      "POST /api/orders/42/files",
      "POST /api/graphql",
      "PUT /logo?access_token=query",
      "PUT /logo?access_token=query",
      "POST /api/xml",
    ]);
    const [login, order, get, pay, attach, graphql, , logo, xml] = seen;
    assert.deepEqual(JSON.parse(text(login!)), { user: "ann", password: "pw" });
    assert.equal(login!.headers.get("authorization"), null);
    assert.equal(login!.headers.get("x-debug"), null);
    const { item, count, nonce, at, ...rest } = JSON.parse(text(order!));
    assert.match(item, /^productName\d+$/);
    assert.ok([count, nonce].every((value) => Number.isInteger(value) && value <= 1_000));
    assert.ok(!Number.isNaN(Date.parse(at)));
    assert.deepEqual(rest, { page: 20, size: "20", note: "for ann" });
    assert.match(order!.headers.get("x-request-id")!, /^[\da-f-]{36}$/);
    assert.equal(order!.headers.get("x-session"), "s-1");
    for (const one of [order, get, attach, xml]) {
      assert.equal(one!.headers.get("authorization"), "Bearer t-1");
    }
    assert.equal(pay!.headers.get("authorization"), `Basic ${btoa("shop:pw")}`);
    assert.deepEqual(await form(pay!), { amount: "12.50", card: "visa" });
    assert.deepEqual(await form(attach!), {
      title: "Invoice 42",
      file: ["invoice.pdf", "application/pdf", "content of invoice.pdf"],
    });
    assert.equal(graphql!.headers.get("x-api-key"), "k");
    assert.deepEqual(JSON.parse(text(graphql!)), {
      query: "query ($q: String!) {\n  items(q: $q) { id }\n}",
      variables: { q: "" },
    });
    assert.equal(logo!.headers.get("content-type"), "image/png");
    assert.equal(xml!.headers.get("content-type"), "application/xml");
    assert.equal(text(xml!), '<order id="42"/>');
    assert.equal(summary.totals.requests, 8);
    assert.equal(summary.totals.failures, 0);
  });
});

Deno.test("a collection of version 2.0, with what is rare", async () => {
  await using target = new Target({
    "/base/tools": () => new Response(),
    "/base/notes": () => new Response(),
    "/base/notes/1": () => new Response(),
    "/base/aws": () => new Response(),
    "/base/moved": () => new Response(null, { status: 302, headers: { location: "/nowhere" } }),
  });
  const seconds = Math.floor(Date.now() / 1_000);
  for (let second = 0; second < 60; second++) {
    target.route(`/base/tools/${seconds + second}`, () => new Response());
  }
  await inFolder(async (folder) => {
    const { totals } = await convertAndRun(folder, {
      name: "v2.0.json",
      args: [],
      env: { LOGIN_PASSWORD: "pw", UNKNOWN_KEY: "k" },
      hosts: [],
      url: target.url,
    });
    const [list, again, note, remove, aws, moved] = target.requests;
    assert.equal(line(list!), "GET /base/tools?limit=5&q=a+b");
    assert.equal(again!.headers.get("accept"), "application/json");
    assert.equal(again!.headers.get("x-off"), null);
    assert.equal(text(note!), "{not JSON: bob}");
    assert.equal(note!.headers.get("content-type"), "text/x-note");
    assert.equal(line(remove!), "DELETE /base/notes/1?api_key=k");
    assert.equal(aws!.headers.get("authorization"), null);
    assert.equal(moved!.headers.get("authorization"), `Basic ${btoa("bob:pw")}`);
    assert.equal(target.requests.length, 6);
    assert.equal(totals.requests, 6);
    assert.equal(totals.failures, 0);
  });
});
