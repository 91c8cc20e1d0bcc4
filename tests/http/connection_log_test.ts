import assert from "node:assert/strict";
import { debugLog } from "../../src/core/debug_log.ts";
import { configureLog } from "../../src/core/logger.ts";
import { RequestError } from "../../src/http/request_error.ts";
import { SocketTransport, type TransportSettings } from "../../src/http/socket_transport.ts";
import { settle } from "../support/fake_clock.ts";
import { type RawConnection, RawServer } from "../support/raw_server.ts";
import { World } from "./contract/world.ts";
import { TRANSPORT_SETTINGS } from "../support/transport_settings.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Lines of `-L DEBUG`, with all times and the server's address replaced. */
class Lines {
  readonly texts: string[] = [];
  #server = "";

  async during(
    serve: (connection: RawConnection, index: number) => Promise<void>,
    settings: Partial<TransportSettings>,
    send: (world: World, url: string) => Promise<void>,
  ): Promise<readonly string[]> {
    await using server = new RawServer(serve);
    this.#server = new URL(server.url).host;
    await configureLog("DEBUG", (_, { text }) => {
      this.texts.push(text.replaceAll(this.#server, "HOST").replaceAll(/\d+\.\d+ (m?s)/g, "T $1"));
    });
    try {
      await using world = new World((clock, node) =>
        new SocketTransport(clock, node, {
          ...TRANSPORT_SETTINGS,
          tls: node.options.tls,
          ...settings,
        })
      );
      await send(world, server.url);
    } finally {
      debugLog.flush();
      await configureLog("INFO", () => {});
    }
    return this.texts;
  }
}

async function answer(connection: RawConnection, response: string): Promise<void> {
  if (await connection.readHead() !== null) await connection.write(response);
}

const OPEN = "Connection 1 to http://HOST at HOST is open: connect T ms.";

const ENDS: readonly {
  readonly what: string;
  readonly serve: (connection: RawConnection) => Promise<void>;
  readonly settings?: Partial<TransportSettings>;
  readonly reason: string;
}[] = [
  {
    what: "of a user who is done",
    serve: async (connection) => {
      await answer(connection, OK);
      await connection.readToEnd();
    },
    reason: "its user is done with it",
  },
  {
    what: "that the response ends",
    serve: (connection) => answer(connection, OK.replace("\r\n", "\r\nConnection: close\r\n")),
    reason: "the response ends it",
  },
  {
    what: "that is not kept",
    serve: (connection) => answer(connection, OK),
    settings: { keepAlive: false },
    reason: "the request ends it",
  },
  {
    what: "that the server closes while it is idle",
    serve: (connection) => answer(connection, OK),
    reason: "the server has closed it",
  },
  {
    what: "that the server does not keep",
    serve: (connection) => answer(connection, OK.replace("\r\n", "\r\nKeep-Alive: max=0\r\n")),
    reason: "the server accepts no more requests on it",
  },
];

for (const { what, serve, settings = {}, reason } of ENDS) {
  Deno.test(`the debug log says when a connection ${what} is open and closed`, async () => {
    const log = new Lines();
    const lines = await log.during(serve, settings, async ({ session }, url) => {
      await session.get(url);
      if (!reason.includes("server has")) return;
      for (let turn = 0; turn < 200 && log.texts.length < 2; turn++) await settle();
    });
    assert.deepEqual(lines, [
      OPEN,
      `Connection 1 to http://HOST is closed after T s: ${reason}.`,
    ]);
  });
}

Deno.test("the debug log says that a request is sent again, and why, without its query", async () => {
  const lines = await new Lines().during(
    async (connection, index) => {
      await answer(connection, OK);
      if (index === 0) await connection.readHead();
      else await connection.readToEnd();
    },
    {},
    async ({ session }, url) => {
      await session.get(`${url}/first`);
      await session.get(`${url}/basket?token=secret`);
    },
  );
  assert.deepEqual(lines.slice(1, 3), [
    "Connection 2 to http://HOST at HOST is open: connect T ms.",
    "GET http://HOST/basket is sent again: the server closed the connection before " +
    "it sent a response; the server may have read it, so this counts as a retry.",
  ]);
});

Deno.test("the debug log says why there is no connection", async () => {
  const lines = await new Lines().during(() => Promise.resolve(), {}, async ({ session }) => {
    await assert.rejects(session.get("http://127.0.0.1:1/"), RequestError);
  });
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^No connection to http:\/\/127\.0\.0\.1:1 after T ms: .*refused/);
});
