import assert from "node:assert/strict";
import { redirect, Target } from "../../support/target.ts";
import type { Contract } from "./world.ts";

function html(body: string, init: ResponseInit = {}): Response {
  return new Response(body, {
    ...init,
    headers: { "content-type": "text/html; charset=utf-8", ...init.headers },
  });
}

/** HTML pages: their elements, and what they name. */
export function pageContract(contract: Contract): void {
  contract("elements of a page are found by CSS selectors", async ({ target, session }) => {
    target.route("/", () => html('<form><input name=csrf value="ü1"></form>'));
    let checked = "";
    const res = await session.get("/", {}, async (res) => {
      checked = (await res.html()).find("form input")?.attr("value") ?? "none";
    });
    assert.equal(checked, "ü1");
    assert.equal((await res.html()).find("[name=csrf]")?.attr("value"), "ü1");
    target.route("/json", () => Response.json({ a: 1 }));
    assert.equal((await (await session.get("/json")).html()).find("form"), null);
  });

  contract("a page is fetched with its resources, each counted for itself", async (world) => {
    const { target, session, samples } = world;
    target.route("/shop", () =>
      html(
        `<link rel=stylesheet href=/a.css?v=1><script src=/gone.js></script>
         <img src=/i.png><img src=/i.png><img src=/moved.png><img src=/i.png?2>`,
        { headers: { "set-cookie": "visit=1" } },
      ));
    for (const path of ["/a.css", "/i.png"]) target.route(path, () => new Response("x"));
    target.route("/moved.png", () => redirect(302, "/i.png?3"));
    const page = await session.get("/shop", { resources: true, name: "the shop" });
    assert.equal(page.status, 200);
    assert.equal(page.url, `${target.url}/shop`);
    assert.equal(samples[0]!.name, "the shop");
    const counted = samples.slice(1).map(({ method, name, error }) => `${method} ${name} ${error}`);
    assert.deepEqual(counted.sort(), [
      "GET /a.css null",
      "GET /gone.js HTTP 404",
      "GET /i.png null",
      "GET /i.png null",
      "GET /moved.png null",
    ]);
    const cookies = target.requests.slice(1).map(({ headers }) => headers.get("cookie"));
    assert.deepEqual(new Set(cookies), new Set(["visit=1"]));
    assert.ok(target.connections <= 6);
  });

  contract(
    "resources are fetched after a redirect too, and under one name if given",
    async (world) => {
      const { target, session, samples } = world;
      target.route("/old", () => redirect(302, "/new/"));
      target.route("/new/", () => html("<img src=a.png><img src=b.png>"));
      await session.get("/old", { resources: { name: "assets" } });
      assert.deepEqual(samples.map(({ name }) => name), ["/old", "assets", "assets"]);
      assert.deepEqual(target.requests.slice(2).map(({ path }) => path).sort(), [
        "/new/a.png",
        "/new/b.png",
      ]);
    },
  );

  contract("no resources without the option, and none of what is not HTML", async (world) => {
    const { target, session, samples } = world;
    target.route("/", () => html("<img src=/a.png>"));
    target.route("/text", () => new Response("<img src=/a.png>"));
    target.route(
      "/broken",
      () => html("<img src=/a.png>", { headers: { "content-type": "text/html; charset=klingon" } }),
    );
    await session.get("/");
    await session.get("/", { resources: false });
    await session.get("/text", { resources: true });
    await session.get("/broken", { resources: true });
    await session.get("/missing", { resources: true });
    assert.equal(samples.length, 5);
    assert.equal(target.requests.length, 5);
  });

  contract(
    "resources of other hosts are fetched if they are named, without credentials",
    async (world) => {
      const { target } = world;
      await using other = new Target({}, "127.0.0.2");
      other.route("/x.js", () => new Response("x"));
      target.route("/own.js", () => new Response("x"));
      target.route(
        "/",
        () => html(`<script src="${other.url}/x.js"></script><script src=/own.js></script>`),
      );
      const { session } = world.user({ headers: [["authorization", "Bearer t"], ["x-a", "1"]] });
      await session.get("/", { resources: true });
      assert.equal(other.requests.length, 0);
      assert.equal(target.last.headers.get("authorization"), "Bearer t");
      await session.get("/", { resources: { hosts: ["127.0.0.2"] }, headers: { cookie: "a=b" } });
      const received = ["authorization", "cookie", "x-a"].map((name) =>
        other.last.headers.get(name)
      );
      assert.deepEqual(received, [null, null, "1"]);
      await session.get(`${target.url.replace("//", "//u:p@")}/`, { resources: { hosts: ["*"] } });
      assert.equal(other.last.headers.get("authorization"), null);
      const own = target.requests.filter(({ path }) => path === "/own.js").at(-1)!;
      assert.equal(own.headers.get("authorization"), `Basic ${btoa("u:p")}`);
    },
  );

  contract("which resources are meant is checked before the page is requested", async (world) => {
    const { session, samples } = world;
    const rows: [resources: unknown, message: string][] = [
      [1, "resources: 1, expected true, false or { hosts, name }"],
      [{ host: [] }, 'resources: "host" is unknown; it has hosts and name'],
      [{ hosts: "a" }, "resources: hosts is 'a', expected names like [\"cdn.example.com\"]"],
      [
        { hosts: ["http://a"] },
        "resources: hosts is [ 'http://a' ], expected names like " +
        '["cdn.example.com"]',
      ],
      [{ name: 1 }, "resources: name is 1, expected a string"],
    ];
    for (const [resources, message] of rows) {
      await assert.rejects(session.get("/", { resources } as never), {
        name: "TypeError",
        message,
      });
    }
    assert.equal(samples.length, 0);
  });

  contract("a page whose user is stopped counts what it has sent as unfinished", async (world) => {
    const { target } = world;
    const arrived = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    target.route("/", () => html("<img src=/slow.png>"));
    target.route("/slow.png", async () => {
      arrived.resolve();
      await answer.promise;
      return new Response("x");
    });
    const { session, abort } = world.user();
    const page = session.get("/", { resources: true }).catch((error: unknown) => error);
    await arrived.promise;
    abort();
    assert.equal((await page as { code: string }).code, "ABORTED");
    answer.resolve();
    assert.deepEqual(world.samples.map(({ name }) => name), ["/"]);
    assert.deepEqual(world.unfinished.map(({ name }) => name), ["/slow.png"]);
  });
}
