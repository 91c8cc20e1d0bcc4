import assert from "node:assert/strict";
import { answering, answeringOnce, RawServer } from "../../support/raw_server.ts";
import type { Contract } from "./world.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** When connections are opened, kept and closed. */
export function connectionContract(contract: Contract): void {
  contract("a user keeps its connection and does not share it", async (world) => {
    const { target, session, samples } = world;
    const { session: other } = world.user();
    target.route("/", () => new Response("x"));
    for (let i = 0; i < 5; i++) {
      await session.get("/");
      await other.post("/", { json: i });
    }
    const [own, others] = [0, 1].map((first) =>
      new Set(
        target.requests.filter((_, index) => index % 2 === first).map((one) => one.connection),
      )
    );
    assert.equal(own!.size, 1);
    assert.equal(others!.size, 1);
    assert.equal(target.connections, 2);
    assert.equal(samples.length, 10);
  });

  contract("simultaneous requests have their own connections", async ({ target, session }) => {
    const all = Promise.withResolvers<void>();
    target.route("/", async () => {
      if (target.requests.length === 3) all.resolve();
      await all.promise;
      return new Response("x");
    });
    await Promise.all([session.get("/"), session.get("/"), session.get("/")]);
    assert.equal(target.connections, 3);
  });

  contract("no connection is opened before the first request", async ({ session }) => {
    await using server = new RawServer(answering(OK));
    assert.equal(server.connections, 0);
    await session.get(server.url);
    await session.get(server.url);
    assert.equal(server.connections, 1);
  });

  contract("a closed connection is not reused", async ({ session, samples }) => {
    await using server = new RawServer(
      answeringOnce("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"),
    );
    for (let i = 0; i < 3; i++) assert.equal(await (await session.get(server.url)).text(), "ok");
    assert.equal(server.connections, 3);
    assert.deepEqual(samples.map(({ error }) => error), [null, null, null]);
  });

  contract("a body without length ends with its connection", async ({ session }) => {
    await using server = new RawServer(answeringOnce("HTTP/1.1 200 OK\r\n\r\nto the end"));
    assert.equal(await (await session.get(server.url)).text(), "to the end");
    assert.equal(await (await session.get(server.url)).text(), "to the end");
    assert.equal(server.connections, 2);
  });

  for (const lines of ["\r\n", "\n", "\r\n\r\n"]) {
    const name = JSON.stringify(lines);
    contract(
      `a response after the empty lines ${name} is complete`,
      async ({ session, samples }) => {
        await using server = new RawServer(answering(lines + OK));
        for (let i = 0; i < 3; i++) {
          assert.equal(await (await session.get(server.url)).text(), "ok");
        }
        assert.equal(server.connections, 1);
        assert.deepEqual(
          samples.map(({ error }) => error),
          [null, null, null],
        );
      },
    );
  }

  contract("a POST is not sent again when a kept connection ends", async ({ session, samples }) => {
    let heads = 0;
    await using server = new RawServer(async (connection) => {
      while (await connection.readHead() !== null && ++heads !== 2) await connection.write(OK);
    });
    await session.post(server.url);
    await assert.rejects(session.post(server.url), { code: "ECONNRESET" });
    assert.equal(heads, 2);
    assert.deepEqual(samples.map(({ error }) => error), [null, "ECONNRESET"]);
  });

  contract("a closed session closes its connections", async (world) => {
    const ended = Promise.withResolvers<void>();
    await using server = new RawServer(async (connection) => {
      await answering(OK)(connection, 0);
      ended.resolve();
    });
    const { session } = world.user();
    await session.get(server.url);
    session.close();
    await ended.promise;
  });
}
