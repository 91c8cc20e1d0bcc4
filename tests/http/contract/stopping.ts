import assert from "node:assert/strict";
import { RawServer } from "../../support/raw_server.ts";
import type { Contract } from "./world.ts";

/** A server that never answers. `arrived` resolves with the first request, `left` when its client has closed. */
function hanging(): { server: RawServer; arrived: Promise<void>; left: Promise<void> } {
  const arrived = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const server = new RawServer(async (connection) => {
    await connection.readHead();
    arrived.resolve();
    await connection.readToEnd().finally(left.resolve);
  });
  return { server, arrived: arrived.promise, left: left.promise };
}

/** Whether a promise settles soon. */
async function settles(promise: Promise<unknown>, turns: () => Promise<void>): Promise<boolean> {
  let settled = false;
  const note = (): void => void (settled = true);
  promise.then(note, note);
  for (let i = 0; i < 20; i++) await turns();
  return settled;
}

/** Requests of users that are stopped. */
export function stoppingContract(contract: Contract): void {
  contract("requests aborted because their user stops are unfinished", async (world) => {
    const { arrived, left, server } = hanging();
    await using _server = server;
    const { session, abort } = world.user();
    const request = session.get(server.url, { name: "hung" }).catch((error: unknown) => error);
    await arrived;
    await world.clock.advance(700);
    abort();
    const error = await request;
    assert.equal((error as { code: string }).code, "ABORTED");
    assert.equal(world.isCounted(error), true);
    await left;
    assert.equal(world.samples.length, 0);
    assert.deepEqual(world.unfinished, [{ method: "GET", name: "hung", ageMs: 700, retries: 0 }]);
  });

  contract("a user that is stopped can still send requests in onStop", async (world) => {
    world.target.route("/logout", () => new Response("bye"));
    const { session, abort } = world.user();
    abort();
    assert.equal(await (await session.get("/logout")).text(), "bye");
    assert.equal(world.sample.name, "/logout");
  });

  contract("stopping one user does not affect the others", async (world) => {
    const { target } = world;
    const arrived = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    target.route("/", async () => {
      arrived.resolve();
      await answer.promise;
      return new Response("x");
    });
    const request = world.session.get("/");
    await arrived.promise;
    world.user().abort();
    answer.resolve();
    assert.equal((await request).status, 200);
  });

  contract(
    "pending requests of a closed session never settle, and are unfinished",
    async (world) => {
      const { arrived, left, server } = hanging();
      await using _server = server;
      const { session } = world.user();
      const request = session.get(server.url);
      await arrived;
      session.close();
      await left;
      assert.equal(await settles(request, () => world.clock.advance(10_000)), false);
      assert.equal(world.samples.length, 0);
      assert.equal(world.unfinished.length, 1);
    },
  );

  contract(
    "a renewed session has no cookies, and closes its connections at once",
    async (world) => {
      const closed: Promise<void>[] = [];
      await using server = new RawServer(async (connection) => {
        const end = Promise.withResolvers<void>();
        closed.push(end.promise);
        for (;;) {
          const head = await connection.readHead().catch(() => null);
          if (head === null) return end.resolve();
          const cookie = /^cookie: (.*)$/im.exec(head)?.[1]?.trim() ?? "none";
          await connection.write(
            "HTTP/1.1 200 OK\r\nSet-Cookie: visitor=old\r\n" +
              `Content-Length: ${cookie.length}\r\n\r\n${cookie}`,
          );
        }
      });
      const { session } = world.user();
      const { cookies } = session;
      assert.equal(await (await session.get(server.url)).text(), "none");
      assert.equal(await (await session.get(server.url)).text(), "visitor=old");
      session.renew();
      await closed[0];
      assert.deepEqual(cookies.all(), []);
      assert.equal(await (await session.get(server.url)).text(), "none");
      assert.equal(await (await session.get(server.url)).text(), "visitor=old");
      assert.equal(server.connections, 2);
      assert.deepEqual(world.samples.map(({ error }) => error), [null, null, null, null]);
    },
  );

  contract(
    "requests pending while a session is renewed never settle, are unfinished, and leave no cookies",
    async (world) => {
      const { arrived, left, server } = hanging();
      await using _server = server;
      const { session } = world.user({ timeout: 5 });
      const request = session.get(server.url);
      await arrived;
      session.renew();
      await left;
      assert.equal(await settles(request, () => world.clock.advance(10_000)), false);
      assert.equal(world.samples.length, 0);
      assert.equal(world.unfinished.length, 1);
      // The session can be used as before, with its time limits.
      const { arrived: again, server: other } = hanging();
      await using _other = other;
      const late = session.get(other.url).catch((error: unknown) => error);
      await again;
      await world.clock.advance(5000);
      assert.equal((await late as { code: string }).code, "TIMEOUT");
      assert.equal(world.sample.error, "TIMEOUT");
    },
  );

  contract("a request of a closed session is not sent and never settles", async (world) => {
    const { session } = world.user();
    session.close();
    const requests = [session.get("/"), session.get("http://[")];
    assert.equal(await settles(Promise.race(requests), () => world.clock.advance(10_000)), false);
    assert.equal(world.samples.length + world.unfinished.length, 0);
    assert.equal(world.target.requests.length, 0);
  });

  contract(
    "a request whose check outlives its session is counted, because it was answered",
    async (world) => {
      world.target.route("/", () => new Response("x"));
      const { session } = world.user();
      const checked = Promise.withResolvers<void>();
      const request = session.get("/", {}, () => {
        session.close();
        checked.resolve();
      });
      await checked.promise;
      assert.equal(await settles(request, () => world.clock.advance(1000)), false);
      assert.equal(world.sample.status, 200);
      assert.equal(world.unfinished.length, 0);
    },
  );
}
