import assert from "node:assert/strict";
import { STEP, Turns } from "../../src/net/turns.ts";

/** Serves sockets that are all ready in the same turn of the event loop; returns what happened in which order. */
async function served(sockets: number): Promise<string[]> {
  const turns = new Turns();
  const order: string[] = [];
  const serve = async (id: number): Promise<void> => {
    order.push(`response ${id}`);
    await null;
    await null;
    await null;
    order.push(`request ${id}`);
  };
  await Promise.all(Array.from({ length: sockets }, async (_, id) => {
    if (!turns.take()) await new Promise<void>((resolve) => turns.wait(resolve));
    await serve(id);
  }));
  return order;
}

Deno.test("users continue between sockets that are ready at the same time", async () => {
  const order = await served(5 * STEP);
  for (let id = 0; id < 4 * STEP; id++) {
    const later = order.indexOf(`response ${id + STEP}`);
    assert.ok(order.indexOf(`request ${id}`) < later, order.join(", "));
  }
  assert.equal(order.length, 10 * STEP);
});

Deno.test("sockets that wait are served in their order, also those that come meanwhile", async () => {
  const turns = new Turns();
  const order: number[] = [];
  while (turns.take());
  const done = new Promise<void>((resolve) => {
    turns.wait(() => {
      order.push(0);
      turns.wait(() => {
        order.push(2);
        resolve();
      });
    });
  });
  turns.wait(() => void order.push(1));
  assert.equal(turns.take(), false);
  await done;
  assert.deepEqual(order, [0, 1, 2]);
});

Deno.test("a socket that is ready alone has its turn at once, whenever it comes", async () => {
  const turns = new Turns();
  for (let i = 0; i < 3 * STEP; i++) {
    assert.equal(turns.take(), true);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
});
