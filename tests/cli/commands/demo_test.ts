import assert from "node:assert/strict";
import { type DemoShop, openDemoShop } from "../../../src/cli/commands/demo.ts";
import { systemClock } from "../../../src/core/clock.ts";

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function ask(shop: DemoShop, route: string, token = "t"): Promise<Answer> {
  const [method = "", path = ""] = route.split(" ");
  const headers: HeadersInit = token === "" ? {} : { authorization: token };
  const res = await fetch(`${shop.url}${path}`, { method, headers });
  return { status: res.status, body: await res.json() };
}

Deno.test("the shop sells: login, search, cart and order", async () => {
  const shop = openDemoShop(systemClock, () => 0.5);
  const login = await ask(shop, "POST /login", "");
  assert.equal(login.status, 200);
  assert.equal(typeof login.body.token, "string");
  assert.deepEqual(await ask(shop, "GET /search?q=F22"), {
    status: 200,
    body: { found: true, items: ["F22 model kit", "F22 poster"] },
  });
  assert.equal((await ask(shop, "GET /search?q=F35")).body.found, false);
  assert.equal((await ask(shop, "GET /cart")).status, 200);
  assert.equal((await ask(shop, "POST /cart")).status, 201);
  assert.equal((await ask(shop, "POST /order")).status, 201);
  assert.equal((await ask(shop, "GET /nothing")).status, 404);
  assert.equal(shop.served, 7);
  await shop.close();
});

Deno.test("the shop requires a login, and some orders fail", async () => {
  const shop = openDemoShop(systemClock, () => 0.03);
  assert.equal((await ask(shop, "GET /cart", "")).status, 401);
  assert.equal((await ask(shop, "POST /order")).status, 503);
  await shop.close();
});
