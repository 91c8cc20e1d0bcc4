import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ServerCredentials } from "@grpc/grpc-js";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { tagsOf } from "../../src/core/tags.ts";
import { UserEnd } from "../../src/core/user_lifetime.ts";
import { nodeContext, type UserContext } from "../../src/user/context.ts";
import { checkClassSettings } from "../../src/user/discovery.ts";
import { GrpcMetadata, GrpcUser } from "../../src/user/grpc_user.ts";
import { checkOptions, loadFiles, renewSession } from "../../src/user/user.ts";
import { clientIdentity, identity, testAuthority } from "../support/certificates.ts";
import { settle } from "../support/fake_clock.ts";
import { PROTO_FOLDER, ShopServer } from "../support/grpc_server.ts";
import { RawServer } from "../support/raw_server.ts";
import { testSockets } from "../support/sockets.ts";
import { testContext } from "../support/users.ts";
import { fails, type UserScene, userScene } from "../support/user_scenes.ts";

const READER = {
  isFile: async (path: string) => (await Deno.stat(path).catch(() => null))?.isFile ?? false,
  readTextFile: (path: string) => Deno.readTextFile(path),
};

/** The scene of a user of a class for one server. */
interface Scene extends UserScene<GrpcUser> {
  readonly userClass: typeof GrpcUser;
}

async function scene(
  host: string,
  statics: Partial<typeof GrpcUser> = {},
  fields: Partial<UserContext> = {},
): Promise<Scene> {
  class ShopTest extends GrpcUser {}
  Object.assign(ShopTest, { host, proto: "shop.proto", ...statics });
  await ShopTest[loadFiles]({ name: "ShopTest", folder: PROTO_FOLDER, reader: READER });
  return { ...userScene((context) => new ShopTest(context), fields), userClass: ShopTest };
}

Deno.test("a call has a message, a status, metadata and trailers, and is counted", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const res = await one.user.call("shop.Catalog/GetItem", { id: 7n });
  assert.deepEqual([res.status, res.code, res.details, res.ok], ["OK", 0, "", true]);
  assert.deepEqual(res.message, {
    id: "7",
    itemName: "item 7",
    kind: "BOOK",
    price: { currency: "EUR", units: "12", fraction: 0.5 },
    picture: new Uint8Array(),
    madeAt: "2023-11-14T22:13:20Z",
    counts: { sold: 3 },
    parts: [{
      id: "9007199254740993",
      itemName: "",
      kind: "UNKNOWN",
      picture: new Uint8Array(),
      counts: {},
      parts: [],
    }],
  });
  assert.equal(res.metadata.get("x-server"), "shop");
  assert.deepEqual(res.metadata.getBytes("x-key-bin"), new Uint8Array([0, 1, 255]));
  assert.equal(res.trailers.get("x-cost"), "3");
  assert.equal(shop.lastMetadata.get("user-agent").length, 1);
  assert.ok(shop.lastDeadlineMs > 30_000 && shop.lastDeadlineMs <= 60_000);
  const [sample] = one.recorded.samples;
  assert.ok(sample!.bytesReceived > 0 && sample!.bytesSent > 0);
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/GetItem 0 ok"]);
  assert.deepEqual(one.metrics(), {});
});

Deno.test("a method can be written in several ways, and the message can be left out", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(`${shop.url}/`);
  for (const name of ["Catalog/GetItem", "/shop.Catalog/GetItem", "shop.Catalog.GetItem"]) {
    assert.equal((await one.user.call(name)).message.id, "0");
  }
  assert.deepEqual(new Set(one.counted()), new Set(["GRPC shop.Catalog/GetItem 0 ok"]));
  assert.deepEqual(shop.counts.calls, { GetItem: 3 });
});

Deno.test("another status than OK counts as a failure, and the call resolves", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const res = await one.user.call("Catalog/GetItem", { status: 14 }, {
    name: "item",
    tags: { kind: "lost" },
  });
  assert.deepEqual([res.status, res.code, res.ok, res.message], ["UNAVAILABLE", 14, false, null]);
  assert.equal(res.details, "what was asked: ü 14%");
  assert.equal(res.trailers.get("x-reason"), "asked");
  assert.deepEqual(tagsOf(one.recorded.samples[0]!.tags), { kind: "lost" });
  assert.deepEqual(one.counted(), ["GRPC item 14 GRPC UNAVAILABLE"]);
});

Deno.test("a check decides how a call counts", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const { user } = one;
  await user.call("Catalog/GetItem", { status: 5 }, {}, (res) => {
    if (res.status === "NOT_FOUND") res.success();
  });
  await user.call("Catalog/GetItem", {}, {}, (res) => res.failure("too dear"));
  await user.call("Catalog/GetItem", {}, {}, () => Promise.reject(new Error("no price")));
  const res = await user.call("Catalog/GetItem", { id: 1 }, {}, (res) => {
    res.check("has a name", res.message.itemName !== "");
  });
  assert.throws(() => res.success(), /has already been counted/);
  const name = "GRPC shop.Catalog/GetItem";
  assert.deepEqual(one.counted(), [
    `${name} 5 ok`,
    `${name} 0 too dear`,
    `${name} 0 no price`,
    `${name} 0 ok`,
  ]);
  assert.deepEqual(one.recorded.checks, [{ name: "has a name", passed: true }]);
});

Deno.test("metadata is that of the class, of the user and of the call", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url, { metadata: { "x-class": "c", "x-tenant": "class" } });
  const { user } = one;
  const seen = (): Record<string, unknown> => {
    const map = shop.lastMetadata.getMap();
    return { class: map["x-class"], tenant: map["x-tenant"], key: map["x-key-bin"] };
  };
  await user.call("Catalog/GetItem");
  assert.deepEqual(seen(), { class: "c", tenant: "class", key: undefined });
  user.metadata.set("x-tenant", "user");
  await user.call("Catalog/GetItem");
  assert.deepEqual(seen(), { class: "c", tenant: "user", key: undefined });
  await user.call("Catalog/GetItem", {}, {
    metadata: { "x-tenant": "call", "x-key-bin": new Uint8Array([255, 0]) },
  });
  assert.deepEqual(seen(), { class: "c", tenant: "call", key: Buffer.from([255, 0]) });
  await user.call("Catalog/GetItem", {}, {
    metadata: new GrpcMetadata({ "x-tenant": ["a", "b"] }),
  });
  assert.equal(seen().tenant, "a, b");
});

Deno.test("a new session has a new connection, and the metadata of the class", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url, { metadata: { "x-tenant": "class" } });
  const { user } = one;
  const tenants: unknown[] = [];
  for (const tenant of ["a", null, "b"]) {
    user[renewSession]();
    if (tenant !== null) user.metadata.set("x-tenant", tenant);
    await user.call("Catalog/GetItem");
    tenants.push(shop.lastMetadata.getMap()["x-tenant"]);
  }
  assert.deepEqual(tenants, ["a", "class", "b"]);
  assert.deepEqual(one.recorded.samples.map(({ phases }) => phases?.opened), [1, 1, 1]);
});

Deno.test("a deadline is sent, and ends the call on time", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  await one.user.call("Catalog/GetItem");
  const call = one.user.call("Catalog/GetItem", { delayMs: 600_000 }, { timeout: 30 });
  while (shop.counts.calls.GetItem !== 2) await settle();
  assert.ok(shop.lastDeadlineMs > 20_000 && shop.lastDeadlineMs <= 30_000);
  one.clock.advance(30_050);
  const res = await call;
  assert.deepEqual([res.status, res.message], ["DEADLINE_EXCEEDED", null]);
  while (shop.counts.cancelled !== 1) await settle();
  assert.deepEqual(one.counted(), [
    "GRPC shop.Catalog/GetItem 0 ok",
    "GRPC shop.Catalog/GetItem 4 GRPC DEADLINE_EXCEEDED",
  ]);
});

Deno.test("a deadline that the server notices is the same status", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  // Virtual time stands still, so only the server's own timer can end the call.
  const res = await one.user.call("Catalog/GetItem", { delayMs: 600_000 }, { timeout: 0.05 });
  assert.equal(res.status, "DEADLINE_EXCEEDED");
  assert.deepEqual(one.counted(), [
    "GRPC shop.Catalog/GetItem 4 GRPC DEADLINE_EXCEEDED",
  ]);
});

Deno.test("messages of a server come one after another, and are counted in metrics", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const ids: string[] = [];
  const res = await one.user.serverStream("Catalog/Search", { items: 300 }, {}, async (call) => {
    for await (const item of call.messages()) ids.push(item.id);
  });
  assert.deepEqual(ids, Array.from({ length: 300 }, (_, index) => String(index + 1)));
  assert.deepEqual([res.status, res.message.id], ["OK", "300"]);
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/Search 0 ok"]);
  assert.deepEqual(one.metrics(), { grpc_messages_sent: 1, grpc_messages_received: 300 });
});

Deno.test("a server has to wait for a test that reads slowly", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const bytesEach = 100_000;
  let most = 0;
  await one.user.serverStream("Catalog/Search", { items: 400, bytesEach }, {}, async (call) => {
    for (let read = 0; read < 400; read++) {
      const item = await call.receive();
      assert.equal(item.id, String(read + 1));
      if (read === 0) {
        // Nothing is read until the server cannot write any more.
        for (let before = -1; before !== shop.counts.messagesSent;) {
          before = shop.counts.messagesSent;
          for (let turn = 0; turn < 20; turn++) await settle();
        }
        most = shop.counts.messagesSent;
      }
    }
    assert.equal(await call.receive(), null);
  });
  assert.ok(most < 300, `${most} messages of 100 kB were sent`);
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/Search 0 ok"]);
});

Deno.test("a stream can end with a status after its messages", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  let items = 0;
  const search = { items: 2, status: 13 };
  const res = await one.user.serverStream("Catalog/Search", search, {}, async (call) => {
    for await (const _ of call.messages()) items++;
  });
  assert.deepEqual([items, res.status, res.details], [2, "INTERNAL", "what was asked: ü 13%"]);
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/Search 13 GRPC INTERNAL"]);
});

Deno.test("leaving the loop cancels the call, which counts as a success", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const search = { items: 100_000, bytesEach: 10_000 };
  const res = await one.user.serverStream("Catalog/Search", search, {}, async (call) => {
    for await (const _ of call.messages()) break;
  });
  assert.equal(res.status, "CANCELLED");
  while (shop.counts.cancelled !== 1) await settle();
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/Search 1 ok"]);
  assert.equal((await one.user.call("Catalog/GetItem")).status, "OK");
});

Deno.test("messages of a client are sent until its function ends", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const res = await one.user.stream("Catalog/Import", {}, async (call) => {
    for (let id = 0; id < 500; id++) assert.ok(await call.send({ id }));
  });
  assert.deepEqual(res.message, { items: 500 });
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/Import 0 ok"]);
  assert.deepEqual(one.metrics(), { grpc_messages_sent: 500, grpc_messages_received: 1 });
});

Deno.test("sending stops when the server ends the call early", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  let sent = 0;
  const res = await one.user.stream("Catalog/Import", {}, async (call) => {
    await call.send({ itemName: "stop" });
    while (await call.send({ id: ++sent })) await settle();
    assert.equal(await call.send({}), false);
  });
  assert.equal(res.status, "RESOURCE_EXHAUSTED");
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/Import 8 GRPC RESOURCE_EXHAUSTED"]);
  assert.equal((await one.user.call("Catalog/GetItem")).status, "OK");
});

Deno.test("messages go both ways at the same time", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url, { compression: "gzip" });
  const names: string[] = [];
  const res = await one.user.stream("Catalog/Chat", {}, async (call) => {
    for (let id = 1; id <= 3; id++) {
      await call.send({ id, itemName: `n${id}` });
      names.push((await call.receive()).itemName);
    }
    call.end();
    assert.equal(await call.receive(), null);
    await assert.rejects(call.send({}), /end was called before/);
  });
  assert.deepEqual(names, ["re: n1", "re: n2", "re: n3"]);
  assert.equal(res.message.itemName, "re: n3");
  assert.deepEqual(one.metrics(), { grpc_messages_sent: 3, grpc_messages_received: 3 });
});

Deno.test("what the function of a stream throws counts as its failure", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const { user } = one;
  await assert.rejects(
    user.stream("Catalog/Chat", {}, async (call) => {
      await call.send({ id: 1 });
      assert.equal((await call.receive()).id, "2");
    }),
    /'1' !== '2'/,
  );
  await assert.rejects(
    user.serverStream("Catalog/Search", { status: 14 }, {}, async (call) => {
      const first = await call.receive();
      first.id;
    }),
    TypeError,
  );
  await assert.rejects(
    user.stream("Catalog/Chat", {}, () => {
      throw new UserEnd("enough");
    }),
    UserEnd,
  );
  const [first, second, ...others] = one.counted();
  assert.match(first!, /^GRPC shop\.Catalog\/Chat 1 Expected values to be/);
  assert.equal(second, "GRPC shop.Catalog/Search 14 GRPC UNAVAILABLE");
  assert.deepEqual(others, []);
});

Deno.test("messages are compressed, and those of the server are decompressed", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url, { compression: "gzip" });
  const picture = new Uint8Array(100_000);
  const res = await one.user.call("Catalog/GetItem", { picture });
  assert.deepEqual(res.message.picture, picture);
  const [sample] = one.recorded.samples;
  assert.ok(sample!.bytesSent < 1000, `${sample!.bytesSent} bytes were sent`);
  await one.user.call("Catalog/GetItem", { picture }, { compression: "none" });
  assert.ok(one.recorded.samples[1]!.bytesSent > 100_000);
});

Deno.test("a message over the limit is refused, and the call fails", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url, { maxMessageSize: 1000 });
  const picture = new Uint8Array(1000);
  await fails(
    one.user.call("Catalog/GetItem", { picture }),
    "TOO_LARGE",
    /a message of \d+ bytes; maxMessageSize is 1000/,
  );
  // A body that can only be too large is not kept until its end.
  await fails(
    one.user.call("Catalog/GetItem", { picture: new Uint8Array(200_000) }),
    "TOO_LARGE",
    /the body has over 66536 bytes/,
  );
  await fails(
    one.user.serverStream("Catalog/Search", { items: 3, bytesEach: 1000 }, {}, async (call) => {
      for await (const _ of call.messages());
    }),
    "TOO_LARGE",
  );
  assert.deepEqual(one.counted(), [
    "GRPC shop.Catalog/GetItem 0 TOO_LARGE",
    "GRPC shop.Catalog/GetItem 0 TOO_LARGE",
    "GRPC shop.Catalog/Search 0 TOO_LARGE",
  ]);
});

Deno.test("what cannot be called is refused before anything is sent", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const { user } = one;
  const refused: readonly (readonly [call: () => Promise<unknown>, text: RegExp])[] = [
    [() => user.call("Catalog/GetItm"), /^the method 'Catalog\/GetItm' is unknown; did you mean/],
    [
      () => user.call("x.Y/Z"),
      /is unknown; expected shop\.Catalog\/GetItem, shop\.Catalog\/Search, .*Import, .*Chat$/,
    ],
    [() => user.call("GetItem"), /^the method is 'GetItem', expected a name like/],
    [() => user.call(7 as unknown as string), /^the method is 7, expected a name like/],
    [
      () => user.call("Catalog/GetItem", { idd: 1 }),
      /^shop\.Catalog\/GetItem: a message shop\.GetItemRequest: the field "idd" is unknown; did you/,
    ],
    [() => user.call("Catalog/Search"), /is a method with streams; use serverStream$/],
    [() => user.call("Catalog/Chat"), /is a method with streams; use stream$/],
    [() => user.serverStream("Catalog/GetItem", {}, {}, () => {}), /use call$/],
    [() => user.serverStream("Catalog/Import", {}, {}, () => {}), /use stream$/],
    [() => user.stream("Catalog/Search", {}, () => {}), /takes one message; use serverStream$/],
    [() => user.stream("Catalog/GetItem", {}, () => {}), /takes one message; use call$/],
    [
      () => user.serverStream("Catalog/Search", {}, {}, undefined as unknown as () => void),
      /^shop\.Catalog\/Search: undefined, expected a function that gets the call$/,
    ],
    [
      () => user.call("Catalog/GetItem", {}, { timout: 1 } as object),
      /^call: the option "timout" is unknown; did you mean timeout\?$/,
    ],
    [() => user.call("Catalog/GetItem", {}, { timeout: 0 }), /^timeout: 0, expected more than 0/],
    [
      () => user.call("Catalog/GetItem", {}, { metadata: { "x-a": 1 } as never }),
      /^metadata: x-a is 1/,
    ],
    [
      () => user.call("Catalog/GetItem", {}, { compression: "br" as "gzip" }),
      /^compression: 'br', expected "none" or "gzip"$/,
    ],
    [
      () => user.stream("Catalog/Chat", (() => {}) as object, undefined as never),
      /^stream: the options are .*; a function is the last argument$/,
    ],
  ];
  for (const [call, text] of refused) await assert.rejects(call(), { message: text });
  assert.deepEqual(one.counted(), []);
  assert.deepEqual(shop.counts.calls, {});
});

Deno.test("without a connection, a call rejects with the error of the connection", async () => {
  using one = await scene("http://127.0.0.1:1");
  await fails(one.user.call("Catalog/GetItem"), "ECONNREFUSED", /GetItem/);
  await fails(
    one.user.stream("Catalog/Chat", {}, async (call) => void await call.receive()),
    "ECONNREFUSED",
  );
  await fails(one.user.serverStream("Catalog/Search", {}, {}, () => {}), "ECONNREFUSED");
  assert.deepEqual(one.counted(), [
    "GRPC shop.Catalog/GetItem 0 ECONNREFUSED",
    "GRPC shop.Catalog/Chat 0 ECONNREFUSED",
    "GRPC shop.Catalog/Search 0 ECONNREFUSED",
  ]);
  assert.deepEqual(one.metrics(), {}, "no message was sent");
});

Deno.test("a server that speaks HTTP/1.1 is named", async () => {
  await using server = new RawServer(async (conn) => {
    await conn.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    await conn.readText(1_000);
  });
  using one = await scene(server.url);
  await fails(one.user.call("Catalog/GetItem"), "BAD_RESPONSE", /answers in HTTP\/1\.1/);
});

Deno.test("the server can be asked for its methods, in both versions of reflection", async () => {
  for (const version of ["v1", "v1alpha"]) {
    await using shop = await ShopServer.start({ reflection: [version] });
    using one = await scene(shop.url, { proto: [], reflection: true });
    const [first, second] = await Promise.all([
      one.user.call("shop.Catalog/GetItem", { id: 3 }),
      one.user.stream("Catalog/Import", {}, (call) => call.send({ id: 3 })),
    ]);
    assert.deepEqual(first.message.price, { currency: "EUR", units: "12", fraction: 0.5 });
    assert.equal(first.message.madeAt, "2023-11-14T22:13:20Z");
    assert.deepEqual(second.message, { items: 1 });
    assert.deepEqual(one.counted().sort(), [
      "GRPC shop.Catalog/GetItem 0 ok",
      "GRPC shop.Catalog/Import 0 ok",
    ]);
    await assert.rejects(one.user.call("shop.Catalogue/GetItem"), /did you mean shop\.Catalog\?$/);
    await assert.rejects(one.user.call("Catalog/GetItm"), /did you mean shop\.Catalog\/GetItem\?$/);
  }
});

/** Another user of the class of a scene, on the same node. */
function neighbour({ userClass, context }: Scene): { user: GrpcUser; abort: AbortController } {
  const abort = new AbortController();
  return { user: new userClass({ ...context, id: 2, signal: abort.signal }), abort };
}

Deno.test("users of a class can share a connection", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url, { connections: "shared" });
  const { user: other } = neighbour(one);
  await one.user.call("Catalog/GetItem");
  await Promise.all([one.user.call("Catalog/GetItem"), other.call("Catalog/GetItem")]);
  const opened = one.recorded.samples.map(({ phases }) => phases?.opened ?? 0);
  assert.deepEqual(opened, [1, 0, 0]);
  other[Symbol.dispose]();
  assert.equal((await one.user.call("Catalog/GetItem")).status, "OK");
});

Deno.test("a user that is stopped during a look-up does not take others with it", async () => {
  await using shop = await ShopServer.start({ reflection: ["v1"] });
  using one = await scene(shop.url, { proto: [], reflection: true });
  const { user, abort } = neighbour(one);
  // The first one asks for both.
  const stopped = user.call("Catalog/GetItem");
  const call = one.user.call("Catalog/GetItem", { id: 2 });
  await settle();
  abort.abort(new Error("stopped"));
  await fails(stopped, "ABORTED");
  assert.equal((await call).message.id, "2");
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/GetItem 0 ok"]);
  user[Symbol.dispose]();
});

Deno.test("a look-up that fails counts as the call that needed it, or ends the run", async () => {
  using none = await scene("http://127.0.0.1:1", { proto: [], reflection: true });
  await fails(none.user.call("Catalog/GetItem", {}, { name: "item" }), "ECONNREFUSED");
  assert.deepEqual(none.counted(), ["GRPC item 0 ECONNREFUSED"]);
  await using shop = await ShopServer.start();
  using one = await scene(shop.url, { proto: [], reflection: true });
  await assert.rejects(one.user.call("Catalog/GetItem"), /has no reflection service$/);
  assert.deepEqual(one.counted(), []);
});

Deno.test("calls go over TLS, with a certificate of the client", async () => {
  const [server, client] = [identity("good"), clientIdentity("client")];
  const credentials = ServerCredentials.createSsl(
    Buffer.from(testAuthority()),
    [{ private_key: Buffer.from(server.key), cert_chain: Buffer.from(server.cert) }],
    true,
  );
  await using shop = await ShopServer.start({ credentials });
  const host = `https://127.0.0.1:${shop.port}`;
  const fields = { http: tlsContext() };
  using one = await scene(host, { tls: { cert: client.cert, key: client.key } }, fields);
  assert.equal((await one.user.call("Catalog/GetItem", { id: 1 })).message.id, "1");
  using stranger = await scene(host, {}, fields);
  const error = await stranger.user.call("Catalog/GetItem").catch((thrown) => thrown);
  assert.match(error.code, /^TLS_CLIENT_CERT|^ECONNRESET/);
});

function tlsContext(): UserContext["http"] {
  const { context } = testContext();
  return nodeContext({
    ...context,
    env: () => undefined,
    sockets: testSockets(),
    connections: {
      ...DEFAULT_CONNECTIONS,
      tls: { ...DEFAULT_CONNECTIONS.tls, ca: [testAuthority()] },
    },
  }).http;
}

Deno.test("calls of a user that must stop are unfinished", async () => {
  await using shop = await ShopServer.start();
  using one = await scene(shop.url);
  const calls = [
    one.user.call("Catalog/GetItem", { delayMs: 600_000 }),
    one.user.stream("Catalog/Chat", {}, async (call) => void await call.receive()),
  ];
  while (shop.counts.calls.GetItem !== 1 || shop.counts.calls.Chat !== 1) await settle();
  one.abort.abort(new Error("stopped"));
  for (const call of calls) await fails(call, "ABORTED");
  assert.deepEqual(one.counted(), []);
  assert.deepEqual(one.recorded.unfinished.map(({ name }) => name).sort(), [
    "shop.Catalog/Chat",
    "shop.Catalog/GetItem",
  ]);
  // As in onStop.
  assert.equal((await one.user.call("Catalog/GetItem")).status, "OK");
  assert.deepEqual(one.counted(), ["GRPC shop.Catalog/GetItem 0 ok"]);
});

Deno.test("the class must have a host, and its files or reflection", () => {
  const problem = (statics: object): string => {
    class ShopTest extends GrpcUser {}
    Object.assign(ShopTest, { proto: "shop.proto", host: "http://127.0.0.1:1", ...statics });
    try {
      checkClassSettings("ShopTest", ShopTest);
      ShopTest[checkOptions]({ name: "ShopTest", host: null, connections: DEFAULT_CONNECTIONS });
      return "none";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const cases: readonly (readonly [statics: object, text: RegExp])[] = [
    [{}, /^none$/],
    [{ proto: [], reflection: true }, /^none$/],
    [{ host: "" }, /^ShopTest has no host$/],
    [{ host: "127.0.0.1:50051" }, /^ShopTest\.host is "127\.0\.0\.1:50051": expected a URL/],
    [{ proto: "" }, /^ShopTest\.proto is "": expected the path of a \.proto file, or a list/],
    [{ proto: [1] }, /^ShopTest\.proto is \[ 1 \]: expected the path/],
    [{ reflection: true }, /^ShopTest\.proto is "shop\.proto": expected no file, because/],
    [{ reflection: 1 }, /^ShopTest\.reflection is 1: expected true or false/],
    [{ compression: "br" }, /^ShopTest\.compression is "br": expected "none" or "gzip"/],
    [{ timeout: 0 }, /^ShopTest\.timeout is 0: expected a number of seconds over 0/],
    [{ maxMessageSize: 0 }, /^ShopTest\.maxMessageSize is 0/],
    [{ metadata: { "grpc-x": "1" } }, /^ShopTest\.metadata is an object: expected .*grpc-x/],
    [{ protoFolders: "x" }, /^ShopTest\.protoFolders is "x": expected a list of folders/],
  ];
  for (const [statics, text] of cases) assert.match(problem(statics), text);
});
