import assert from "node:assert/strict";
import { constants, deflateRawSync } from "node:zlib";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { RequestError } from "../../src/http/request_error.ts";
import { nodeContext, type UserContext } from "../../src/user/context.ts";
import { WebSocketUser } from "../../src/user/websocket_user.ts";
import { tagsOf } from "../../src/core/tags.ts";
import { IterationSlot } from "../../src/user/iteration_slot.ts";
import { identity, testAuthority } from "../support/certificates.ts";
import { settle } from "../support/fake_clock.ts";
import { RawServer } from "../support/raw_server.ts";
import { Target } from "../support/target.ts";
import { testSockets } from "../support/sockets.ts";
import { TunnelProxy } from "../support/tunnel_proxy.ts";
import { testContext } from "../support/users.ts";
import { fails, type UserScene, userScene } from "../support/user_scenes.ts";
import { agreement, echo, WebSocketPeer, webSocketServer } from "../support/websocket_peer.ts";

function scene(
  host: string,
  statics: Partial<typeof WebSocketUser> = {},
  fields: Partial<UserContext> = {},
): UserScene<WebSocketUser> {
  class ChatTest extends WebSocketUser {}
  Object.assign(ChatTest, { host, ...statics });
  return userScene((context) => new ChatTest(context), fields);
}

Deno.test("connects, asks, sends, receives and closes; all of it is counted", async () => {
  await using server = webSocketServer(echo);
  using one = scene(server.url.replace("http", "ws"));
  const { user } = one;
  const res = await user.connect("/chat?room=1");
  assert.equal(res.status, 101);
  assert.ok(user.connected);
  assert.equal(await user.ask("hi", "echo hi"), "echo hi");
  assert.equal(await user.ask({ a: 1 }, /"a":1/, { name: "json" }), 'echo {"a":1}');
  user.send(Uint8Array.of(65, 66));
  assert.equal(await user.receive(), "echo AB");
  assert.deepEqual(await user.close(), { code: 1000, reason: "" });
  assert.ok(!user.connected);
  assert.deepEqual(one.counted(), ["WS /chat 101 ok", "WS /chat ask 0 ok", "WS json 0 ok"]);
  assert.deepEqual(one.metrics(), {
    ws_messages_sent: 3,
    ws_bytes_sent: 11,
    ws_messages_received: 3,
    ws_bytes_received: 26,
    ws_closes_1000: 1,
  });
});

Deno.test("headers, cookies and credentials of the session are sent, and cookies are kept", async () => {
  const heads: string[] = [];
  await using server = webSocketServer(async (peer) => {
    heads.push(peer.head);
    await echo(peer);
  }, "Set-Cookie: room=7\r\nSec-WebSocket-Protocol: chat.v2\r\n");
  using one = scene(server.url, { headers: { "x-class": "c" } });
  const { user } = one;
  user.session.cookies.set("token", "abc");
  user.session.auth = ["user", "secret"];
  const res = await user.connect("/chat", {
    headers: { origin: "http://shop.example" },
    protocols: ["chat.v1", "chat.v2"],
    params: { room: 5 },
  });
  assert.equal(res.headers.get("sec-websocket-protocol"), "chat.v2");
  assert.equal(user.protocol, "chat.v2");
  assert.equal(user.session.cookies.get("room"), "7");
  const [head = ""] = heads;
  assert.match(head, /^GET \/chat\?room=5 HTTP\/1\.1\r\n/);
  for (
    const line of [
      /^x-class: c\r$/m,
      /^origin: http:\/\/shop\.example\r$/m,
      /^cookie: token=abc\r$/im,
      /^authorization: Basic dXNlcjpzZWNyZXQ=\r$/im,
      /^connection: Upgrade\r$/im,
      /^upgrade: websocket\r$/im,
      /^sec-websocket-version: 13\r$/im,
      /^sec-websocket-key: [\w+/]{22}==\r$/im,
      /^sec-websocket-protocol: chat\.v1, chat\.v2\r$/im,
      /^sec-websocket-extensions: permessage-deflate; client_max_window_bits\r$/im,
    ]
  ) assert.match(head, line);
});

Deno.test("a session of HTTP and a WebSocket share cookies", async () => {
  await using target = new Target({
    "/login": () => new Response("ok", { headers: { "set-cookie": "sid=1; Path=/" } }),
    "/chat": ({ headers }) =>
      new Response(null, { status: headers.get("cookie") === "sid=1" ? 418 : 500 }),
  });
  using one = scene(target.url);
  await one.user.session.post("/login");
  await fails(one.user.connect("/chat"), "WS_REFUSED", /HTTP 418/);
  assert.deepEqual(one.counted(), ["POST /login 200 ok", "WS /chat 418 HTTP 418"]);
});

Deno.test("a server that does not agree is a failure of the request, counted once", async () => {
  const key = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  const upgraded =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const cases: readonly (readonly [string, (head: string) => string, string, string])[] = [
    [
      "403",
      () => "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
      "WS_REFUSED",
      "403 HTTP 403",
    ],
    [
      "a page",
      () => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "WS_REFUSED",
      "200 HTTP 200",
    ],
    ["another key", () => `${upgraded}${key}\r\n`, "BAD_RESPONSE", "0 BAD_RESPONSE"],
    ["no key", () => `${upgraded}\r\n`, "BAD_RESPONSE", "0 BAD_RESPONSE"],
    [
      "no upgrade",
      (head) => agreement(head).replace("Upgrade: websocket\r\n", ""),
      "BAD_RESPONSE",
      "0 BAD_RESPONSE",
    ],
    [
      "no connection",
      (head) => agreement(head).replace("Connection: Upgrade\r\n", ""),
      "BAD_RESPONSE",
      "0 BAD_RESPONSE",
    ],
    [
      "a protocol",
      (head) => agreement(head, "Sec-WebSocket-Protocol: x\r\n"),
      "BAD_RESPONSE",
      "0 BAD_RESPONSE",
    ],
    [
      "an extension",
      (head) => agreement(head, "Sec-WebSocket-Extensions: x\r\n"),
      "BAD_RESPONSE",
      "0 BAD_RESPONSE",
    ],
    ["nothing", () => "", "ECONNRESET", "0 ECONNRESET"],
    ["no HTTP", () => "hello\r\n\r\n", "BAD_RESPONSE", "0 BAD_RESPONSE"],
  ];
  for (const [title, answer, code, counted] of cases) {
    for (const isSlow of [false, true]) {
      await using server = new RawServer(async (raw) => {
        const bytes = answer(await raw.readHead() ?? "");
        for (const part of isSlow ? bytes : [bytes]) await raw.write(part);
      });
      using one = scene(server.url);
      await fails(one.user.connect("/chat"), code);
      assert.deepEqual(one.counted(), [`WS /chat ${counted}`], title);
      assert.ok(!one.user.connected);
      assert.throws(() => one.user.send("x"), /not connected; call connect first/);
    }
  }
});

Deno.test("redirects are followed, and interim responses skipped", async () => {
  await using server = new RawServer(async (raw) => {
    const head = await raw.readHead() ?? "";
    if (head.startsWith("GET /old")) {
      return await raw.write("HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n");
    }
    await raw.write(`HTTP/1.1 103 Early Hints\r\n\r\n${agreement(head)}`);
    await echo(new WebSocketPeer(head, raw));
  });
  using one = scene(server.url);
  await one.user.connect("/old");
  await one.user.ask("x", "echo x");
  assert.deepEqual(one.counted(), ["WS /old 101 ok", "WS /new ask 0 ok"]);
});

Deno.test("messages that arrive with the response are received", async () => {
  await using server = new RawServer(async (raw) => {
    const head = await raw.readHead() ?? "";
    await raw.write(
      joined(agreement(head), Uint8Array.of(0x81, 5), "hello", Uint8Array.of(0x81, 1)),
    );
    await raw.write("!");
    await raw.readToEnd();
  });
  using one = scene(server.url);
  await one.user.connect("/chat");
  assert.equal(await one.user.receive(), "hello");
  assert.equal(await one.user.receive(), "!");
});

function joined(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const encoder = new TextEncoder();
  return Uint8Array.from(
    parts.flatMap((part) => [...(typeof part === "string" ? encoder.encode(part) : part)]),
  );
}

Deno.test("time limits: of connecting, of receiving, of an answer, of a close", async () => {
  await using silent = new RawServer((raw) => raw.readToEnd());
  using first = scene(silent.url);
  const connecting = first.user.connect("/chat", { timeout: 5 });
  while (silent.connections === 0) await settle();
  await advanceUntil(first, connecting, 5_100);
  await fails(connecting, "TIMEOUT");
  assert.deepEqual(first.counted(), ["WS /chat 0 TIMEOUT"]);

  await using server = webSocketServer(({ raw }) => raw.readToEnd());
  using one = scene(server.url, { timeout: 3 });
  await one.user.connect("/chat");
  one.counted();
  const receiving = one.user.receive({ timeout: 1 });
  const asking = one.user.ask("x", "y", { name: "question" });
  await advanceUntil(one, receiving, 1_100);
  await fails(receiving, "TIMEOUT");
  assert.deepEqual(one.counted(), ["WS /chat receive 0 TIMEOUT"]);
  await advanceUntil(one, asking, 2_100);
  await fails(asking, "TIMEOUT");
  assert.deepEqual(one.counted(), ["WS question 0 TIMEOUT"]);
  one.metrics();
  const closing = one.user.close(4000, "bye");
  await advanceUntil(one, closing, 5_100);
  assert.deepEqual(await closing, { code: 1006, reason: "" });
  assert.deepEqual(one.metrics(), { ws_closes_1006: 1 });
});

/** Lets virtual time pass until a promise has settled. */
async function advanceUntil(
  { clock }: UserScene<WebSocketUser>,
  promise: Promise<unknown>,
  ms: number,
): Promise<void> {
  let isSettled = false;
  promise.then(() => isSettled = true, () => isSettled = true);
  await clock.advance(ms);
  for (let turn = 0; turn < 1000 && !isSettled; turn++) await settle();
  assert.ok(isSettled, "has not settled in time");
}

Deno.test("a close by the server ends waits with its code, and is answered", async () => {
  const answers: (string | null)[] = [];
  await using server = webSocketServer(async (peer) => {
    await peer.next();
    await peer.text("last words");
    await peer.close(4001, "too many");
    answers.push(await peer.next());
  });
  using one = scene(server.url);
  const { user } = one;
  await user.connect("/chat");
  await fails(user.ask("x", "y"), "WS_CLOSED", /the server closed it with 4001 "too many"/);
  await fails(user.receive(), "WS_CLOSED", /4001/);
  assert.throws(() => user.send("more"), RequestError);
  assert.deepEqual(await user.close(), { code: 4001, reason: "too many" });
  assert.deepEqual(one.counted(), [
    "WS /chat 101 ok",
    "WS /chat ask 0 WS_CLOSED 4001",
    "WS /chat receive 0 WS_CLOSED 4001",
    "WS /chat send 0 WS_CLOSED 4001",
  ]);
  assert.equal(one.metrics().ws_closes_4001, 1);
  while (answers.length === 0) await settle();
  assert.deepEqual(answers, ["8 4001"]);
});

Deno.test("a connection that ends without a close has the code 1006", async () => {
  for (const isReset of [false, true]) {
    await using server = webSocketServer(async ({ raw }) => {
      if (isReset) await raw.reset();
      else await raw.readText(1);
    });
    using one = scene(server.url);
    await one.user.connect("/chat");
    await fails(one.user.ask("hello", "y"), "WS_CLOSED");
    assert.deepEqual(one.counted()[1], "WS /chat ask 0 WS_CLOSED 1006");
    assert.equal(one.metrics().ws_closes_1006, 1);
  }
});

Deno.test("pings are answered, also while nothing is awaited", async () => {
  const seen: (string | null)[] = [];
  await using server = webSocketServer(async (peer) => {
    await peer.send(0x89, Uint8Array.of(65, 66));
    seen.push(await peer.next());
    await peer.send(0x01, Uint8Array.of(97));
    await peer.send(0x89);
    seen.push(await peer.next());
    await peer.send(0x80, Uint8Array.of(98));
    await peer.raw.readToEnd();
  });
  using one = scene(server.url);
  await one.user.connect("/chat");
  while (seen.length < 2) await settle();
  assert.equal(await one.user.receive(), "ab");
  assert.deepEqual(seen, ["10 AB", "10 "]);
});

Deno.test("a ping is counted with its round trip; messages and other pongs do not end it", async () => {
  const payloads: number[][] = [];
  await using server = webSocketServer(async (peer) => {
    for (let frame = await peer.frame(); frame?.opcode === 9; frame = await peer.frame()) {
      payloads.push([...frame.payload]);
      await peer.text("a");
      await peer.send(0x8a);
      await peer.send(0x8a, Uint8Array.of(0, 0, 0, 0));
      await peer.send(0x8a, Uint8Array.of(0, 0, 0, 200));
      await peer.text("b");
      await peer.send(0x8a, frame.payload);
    }
  });
  using one = scene(server.url);
  const { user } = one;
  await user.connect("/chat");
  const seen: string[] = [];
  const ping = user.ping().then((ms) => {
    seen.push("pong");
    return ms;
  });
  while (payloads.length === 0) await settle();
  one.clock.block(40);
  seen.push(String(await user.receive()), String(await user.receive()));
  assert.equal(await ping, 40);
  assert.deepEqual(seen, ["a", "b", "pong"]);
  await user.ping({ name: "heartbeat", tags: { room: "large" } });
  assert.deepEqual(one.recorded.samples.map(({ latencyMs }) => latencyMs), [0, 40, 0]);
  assert.deepEqual(one.counted(), ["WS /chat 101 ok", "WS /chat ping 0 ok", "WS heartbeat 0 ok"]);
  assert.deepEqual(payloads.length, 2);
  assert.notDeepEqual(payloads[0], payloads[1]);
  const { ws_messages_sent = 0, ws_messages_received } = one.metrics();
  assert.deepEqual([ws_messages_sent, ws_messages_received], [0, 4], "pings are no messages");
});

Deno.test("the pong of a ping ends earlier ones, too", async () => {
  await using server = webSocketServer(async (peer) => {
    await peer.frame();
    await peer.send(0x8a, (await peer.frame())!.payload);
    await peer.raw.readToEnd();
  });
  using one = scene(server.url);
  await one.user.connect("/chat");
  await Promise.all([one.user.ping(), one.user.ping()]);
  const third = one.user.ping({ timeout: 2 });
  await advanceUntil(one, third, 2_100);
  await fails(third, "TIMEOUT", /no pong in time/);
  assert.deepEqual(one.counted(), [
    "WS /chat 101 ok",
    "WS /chat ping 0 ok",
    "WS /chat ping 0 ok",
    "WS /chat ping 0 TIMEOUT",
  ]);
});

Deno.test("pings end with their connection and their user", async () => {
  await using server = webSocketServer(async (peer, index) => {
    await peer.next();
    if (index === 0) await peer.close(1011);
    await peer.raw.readToEnd();
  });
  using one = scene(server.url);
  const { user } = one;
  await assert.rejects(user.ping(), /ping: this user is not connected; call connect first/);
  await user.connect("/chat");
  await fails(user.ping(), "WS_CLOSED", /1011/);
  await fails(user.ping(), "WS_CLOSED", /1011/);
  await user.connect("/chat");
  await assert.rejects(user.ping({ timeout: 0 }), /timeout: 0/);
  await assert.rejects(user.ping({ match: /a/ } as object), /"match" is unknown/);
  const pinging = user.ping();
  one.abort.abort(new Error("stopped"));
  await assert.rejects(pinging, /stopped/);
  assert.deepEqual(one.counted(), [
    "WS /chat 101 ok",
    "WS /chat ping 0 WS_CLOSED 1011",
    "WS /chat ping 0 WS_CLOSED 1011",
    "WS /chat 101 ok",
  ]);
  assert.deepEqual(one.recorded.unfinished.map(({ name }) => name), ["/chat ping"]);
});

Deno.test("static pingInterval: idle connections get pings, and are closed if there is no pong", async () => {
  const pings: string[] = [];
  await using server = webSocketServer(async (peer) => {
    let frame = await peer.frame();
    for (; frame?.opcode === 9; frame = await peer.frame()) {
      pings.push("ping");
      if (pings.length < 3) {
        await peer.send(0x8a, frame.payload);
        await peer.text("pong sent");
      }
    }
    pings.push(frame === null ? "end" : "close");
  });
  using one = scene(server.url, { pingInterval: 20 });
  const { user } = one;
  await user.connect("/chat");
  for (let round = 1; round <= 2; round++) {
    const receiving = user.receive();
    await one.clock.advance(20_050);
    assert.equal(await receiving, "pong sent");
    assert.equal(pings.length, round);
    assert.ok(user.connected);
  }
  assert.deepEqual(one.counted(), ["WS /chat 101 ok"], "pongs are not counted");
  const late = /the server did not answer a ping within 20\.\d s/;
  await Promise.all([fails(user.receive(), "WS_CLOSED", late), one.clock.advance(41_000)]);
  assert.ok(!user.connected);
  while (pings.length < 4) await settle();
  assert.deepEqual(pings, ["ping", "ping", "ping", "end"]);
  assert.deepEqual(one.counted(), ["WS /chat ping 0 TIMEOUT", "WS /chat receive 0 WS_CLOSED 1006"]);
  assert.equal(one.metrics().ws_closes_1006, 1);
  // The user can connect again, and leaves no timer when it ends.
  await user.connect("/chat");
  one.context.requests.close(one.clock.now());
  user[Symbol.dispose]();
  await one.clock.advance(2_000);
  assert.equal(one.clock.pending, 0);
});

Deno.test("a server that breaks the protocol is told why, and waits fail", async () => {
  const cases: readonly (readonly [Uint8Array, string, string])[] = [
    [Uint8Array.of(0x83, 0), "8 1002", "BAD_RESPONSE"],
    [Uint8Array.of(0x81, 1, 0xff), "8 1007", "BAD_RESPONSE"],
    [Uint8Array.of(0x82, 126, 0x03, 0xe9), "8 1009", "TOO_LARGE"],
  ];
  for (const [bytes, answer, code] of cases) {
    const answers: (string | null)[] = [];
    await using server = webSocketServer(async (peer) => {
      await peer.raw.write(bytes);
      answers.push(await peer.next());
    });
    using one = scene(server.url, { maxMessageSize: 1000 });
    await one.user.connect("/chat");
    await fails(one.user.receive(), code, /the server sent/);
    while (answers.length === 0) await settle();
    assert.deepEqual(answers, [answer]);
    assert.equal(one.metrics()[`ws_closes_${answer.slice(2)}`], 1);
  }
});

Deno.test("receive passes over messages that do not match; ask over those from before", async () => {
  await using server = webSocketServer(async (peer) => {
    for (const text of ["a", "b", "c"]) await peer.text(text);
    await peer.next();
    for (const text of ["d", "answer", "e"]) await peer.text(text);
    await echo(peer);
  });
  using one = scene(server.url);
  const { user } = one;
  await user.connect("/chat");
  assert.equal(await user.receive({ match: (message) => message === "b" }), "b");
  assert.equal(
    await user.ask("question", (message) => message !== "d" && message !== "c"),
    "answer",
  );
  assert.equal(await user.receive(), "e");
  await assert.rejects(
    user.ask("x", () => {
      throw new Error("broken match");
    }),
    /broken match/,
  );
  assert.equal(one.counted().at(-1), "WS /chat ask 0 broken match");
});

Deno.test("a loop over messages gets what others do not take, and ends with the connection", async () => {
  await using server = webSocketServer(async (peer) => {
    for (const text of ["a", "b"]) await peer.text(text);
    await peer.next();
    for (const text of ["c", "answer", "d"]) await peer.text(text);
    await peer.next();
    await peer.close(1001);
    await peer.next();
  });
  using one = scene(server.url);
  const { user } = one;
  await user.connect("/chat");
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const message of user.messages()) seen.push(message);
  })();
  while (seen.length < 2) await settle();
  // The loop waits for any message, so the answer goes to the one who has asked.
  assert.equal(await user.ask("go on", "answer"), "answer");
  while (seen.length < 4) await settle();
  user.send("end");
  await reading;
  assert.deepEqual(seen, ["a", "b", "c", "d"]);
  assert.deepEqual(one.counted(), ["WS /chat 101 ok", "WS /chat ask 0 ok"]);
});

Deno.test("a loop over messages fails if the connection is lost", async () => {
  await using server = webSocketServer((peer) => peer.text("a"));
  using one = scene(server.url);
  await one.user.connect("/chat");
  const seen: unknown[] = [];
  await fails(
    (async () => {
      for await (const message of one.user.messages()) seen.push(message);
    })(),
    "WS_CLOSED",
  );
  assert.deepEqual(seen, ["a"]);
  assert.equal(one.counted().at(-1), "WS /chat receive 0 WS_CLOSED 1006");
});

Deno.test("the latest unread messages are kept, and all messages are counted", async () => {
  await using server = webSocketServer(async (peer) => {
    for (let i = 0; i < 3000; i++) await peer.text(String(i));
    await peer.raw.readToEnd();
  });
  using one = scene(server.url, { maxQueuedMessages: 10 });
  await one.user.connect("/chat");
  let received = 0;
  while (received < 3000) {
    await settle();
    received += one.metrics().ws_messages_received ?? 0;
  }
  for (let i = 2990; i < 3000; i++) assert.equal(await one.user.receive(), String(i));
});

Deno.test("a stopped user: waits reject, nothing fails, and the server gets 1001", async () => {
  const seen: (string | null)[] = [];
  await using server = webSocketServer(async (peer) => {
    for (let text = await peer.next(); text !== null; text = await peer.next()) seen.push(text);
  });
  using one = scene(server.url);
  const { user, abort } = one;
  await user.connect("/chat");
  const asking = user.ask("x", "y");
  const receiving = user.receive();
  const looping = user.messages().next();
  const reason = new Error("stopped");
  abort.abort(reason);
  for (const promise of [asking, receiving, looping]) await assert.rejects(promise, reason);
  one.context.requests.close(one.clock.now());
  user[Symbol.dispose]();
  while (seen.length < 2) await settle();
  assert.deepEqual(seen, ["1 x", "8 1001"]);
  assert.deepEqual(one.counted(), ["WS /chat 101 ok"]);
  assert.deepEqual(one.recorded.unfinished.map(({ method, name }) => `${method} ${name}`), [
    "WS /chat ask",
  ]);
  assert.deepEqual(one.metrics().ws_closes_1001, 1);
});

Deno.test("a user that is stopped while it connects has an unfinished request", async () => {
  await using server = new RawServer((raw) => raw.readToEnd());
  using one = scene(server.url);
  const connecting = one.user.connect("/chat");
  while (server.connections === 0) await settle();
  one.abort.abort();
  await fails(connecting, "ABORTED");
  assert.deepEqual(one.counted(), []);
  assert.equal(one.recorded.unfinished.length, 1);
});

Deno.test("what an ended user does is not counted, and never settles", async () => {
  await using server = webSocketServer(echo);
  using one = scene(server.url);
  await one.user.connect("/chat");
  one.context.requests.close(one.clock.now());
  one.user[Symbol.dispose]();
  one.counted();
  one.metrics();
  one.user.send("x");
  const pending = [one.user.ask("x", "y"), one.user.receive(), one.user.close()];
  const winner = await Promise.race([...pending, settle().then(() => "none")]);
  assert.equal(winner, "none");
  assert.deepEqual([one.counted(), one.metrics()], [[], {}]);
});

Deno.test("each iteration of a class with sessions of their own begins without a connection", async () => {
  const seen: (string | null)[] = [];
  await using server = webSocketServer(async (peer) => void seen.push(await peer.next()));
  using one = scene(server.url, { session: "iteration" });
  await one.user.connect("/chat");
  one.user.session.renew();
  assert.ok(one.user.connected);
  const [renew] = Object.getOwnPropertySymbols(WebSocketUser.prototype)
    .filter(({ description }) => description === "aiotest.renewSession");
  (one.user as unknown as Record<symbol, () => void>)[renew!]!();
  assert.ok(!one.user.connected);
  while (seen.length === 0) await settle();
  assert.deepEqual(seen, ["8 1001"]);
});

Deno.test("compression: both directions, with what was sent before", async () => {
  const frames: boolean[] = [];
  await using server = webSocketServer(async (peer) => {
    const { isCompressed } = (await peer.frame())!;
    frames.push(isCompressed);
    const text = new TextEncoder().encode("hello hello hello hello");
    const data = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    await peer.send(0xc1, data);
    frames.push((await peer.frame())!.isCompressed);
    await peer.raw.readToEnd();
  }, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=12\r\n");
  using one = scene(server.url);
  await one.user.connect("/chat");
  assert.equal(await one.user.ask("x".repeat(1000), /hello/), "hello hello hello hello");
  one.user.send("short");
  while (frames.length < 2) await settle();
  assert.deepEqual(frames, [true, false]);
  const { ws_bytes_sent, ws_bytes_received } = one.metrics();
  assert.ok(ws_bytes_sent! < 50 && ws_bytes_received! < 20, "bytes are those on the wire");
});

Deno.test("without static compression, none is offered, and none is accepted", async () => {
  const heads: string[] = [];
  await using server = webSocketServer(async ({ head, raw }) => {
    heads.push(head);
    await raw.readToEnd();
  }, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  using one = scene(server.url, { compression: false });
  await fails(one.user.connect("/chat"), "BAD_RESPONSE", /not offered/);
  assert.ok(!heads[0]!.toLowerCase().includes("extensions"));
});

Deno.test("over TLS: wss, with the certificates of the class", async () => {
  await using server = webSocketServer(echo, "", identity("good"));
  const host = server.url.replace("https", "wss");
  using one = scene(host, { tls: { ca: testAuthority() } });
  await one.user.connect("/chat");
  assert.equal(await one.user.ask("a", "echo a"), "echo a");
  assert.deepEqual(await one.user.close(), { code: 1000, reason: "" });
  using stranger = scene(host);
  await fails(stranger.user.connect("/chat"), "TLS_UNTRUSTED", /wss:\/\//);
  assert.deepEqual(stranger.counted(), ["WS /chat 0 TLS_UNTRUSTED"]);
});

Deno.test("the first measurement of a scheduled iteration begins when the iteration was due", async () => {
  await using server = webSocketServer(echo);
  for (const connectsFirst of [true, false]) {
    const slot = new IterationSlot({
      scheduled: true,
      next: () => 400,
      cancel: () => {},
      began: () => {},
      ended: () => {},
      interrupted: () => {},
      declined: () => {},
    }, 0);
    using one = scene(server.url, {}, { iterationSlot: slot });
    if (!connectsFirst) await one.user.connect("/chat");
    await one.clock.advance(1_400);
    await slot.begin(one.clock, () => false);
    if (connectsFirst) await one.user.connect("/chat");
    await one.user.ask("a", "echo a");
    await one.user.ask("b", "echo b");
    const latencies = one.recorded.samples.map(({ name, latencyMs }) => [name, latencyMs]);
    assert.deepEqual(latencies, [
      ["/chat", connectsFirst ? 1000 : 0],
      ["/chat ask", connectsFirst ? 0 : 1000],
      ["/chat ask", 0],
    ]);
  }
});

Deno.test("a round trip belongs to the group around it, and has the tags that it was given", async () => {
  await using server = webSocketServer(echo);
  using one = scene(server.url);
  await one.user.group("visit", async () => {
    await one.user.connect("/chat", { tags: { room: "large" } });
    await one.user.ask("a", "echo a", { tags: { kind: "first" } });
  });
  assert.deepEqual(one.recorded.groups.map(({ name }) => name), ["visit"]);
  assert.deepEqual(one.recorded.samples.map(({ tags }) => tagsOf(tags)), [
    { room: "large" },
    { kind: "first" },
  ]);
});

Deno.test("a proxy gets CONNECT, also for ws", async () => {
  await using server = webSocketServer(echo);
  await using proxy = new TunnelProxy(server.port);
  const { context } = testContext();
  const node = nodeContext({
    ...context,
    connections: DEFAULT_CONNECTIONS,
    sockets: testSockets(),
    env: (name) =>
      name.toLowerCase() === "http_proxy" ? `http://127.0.0.1:${proxy.port}` : undefined,
  });
  using one = scene("ws://chat.example", {}, { http: node.http });
  await one.user.connect("/chat");
  assert.equal(await one.user.ask("a", "echo a"), "echo a");
  assert.match(proxy.heads.join(), /^CONNECT chat\.example:80 HTTP\/1\.1\r\n/);
});

Deno.test("invalid arguments are refused before anything is sent", async () => {
  using one = scene("ws://127.0.0.1:1");
  const { user } = one;
  const connects: readonly (readonly [object, RegExp])[] = [
    [{ header: {} }, /"header" is unknown; did you mean headers\?/],
    [{ protocols: ["a b"] }, /protocols/],
    [{ protocols: ["a", "a"] }, /protocols/],
    [{ headers: { Upgrade: "x" } }, /connect sends upgrade itself/i],
    [{ headers: { "sec-websocket-protocol": "x" } }, /use the option protocols/],
    [{ timeout: 0 }, /timeout: 0/],
  ];
  for (const [options, message] of connects) {
    await assert.rejects(user.connect("/", options), message);
  }
  await assert.rejects(user.receive(), /receive: this user is not connected; call connect first/);
  await assert.rejects(user.ask("x", "y"), /not connected/);
  await assert.rejects(user.ask("x", undefined as unknown as string), /match: undefined/);
  await assert.rejects(user.ask(undefined, "y"), /the message is undefined/);
  await assert.rejects(user.ask(new Blob(["x"]), "y"), /the message is Blob/);
  await assert.rejects(user.ask(Promise.resolve("x"), "y"), /the message is Promise.*; await it/);
  await assert.rejects(user.ask("x", "y", { timeOut: 1 } as object), /did you mean timeout/);
  await assert.rejects(user.close(1005), /the code is 1005/);
  await assert.rejects(user.close(1000, "€".repeat(42)), /at most 123 bytes/);
  await assert.rejects(user.messages().next(), /not connected/);
  assert.deepEqual(one.counted(), []);
});

Deno.test("a second connection needs a close before it; after it, the user can connect again", async () => {
  await using server = webSocketServer(echo);
  using one = scene(server.url);
  await one.user.connect("/a");
  await assert.rejects(one.user.connect("/b"), /this user is connected; call close first/);
  await one.user.close();
  await one.user.connect("/b");
  assert.equal(await one.user.ask("x", "echo x"), "echo x");
  assert.deepEqual(one.counted(), ["WS /a 101 ok", "WS /b 101 ok", "WS /b ask 0 ok"]);
});
