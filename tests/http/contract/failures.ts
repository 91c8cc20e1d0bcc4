import assert from "node:assert/strict";
import { createServer } from "node:tls";
import { PreparationError } from "../../../src/core/errors.ts";
import { RequestError, type RequestErrorCode } from "../../../src/http/request_error.ts";
import { identity, testAuthority } from "../../support/certificates.ts";
import {
  answering,
  answeringOnce,
  type ConnectionScript,
  RawServer,
  silent,
} from "../../support/raw_server.ts";
import type { Contract, World, WorldUserSettings } from "./world.ts";

/** Expects one request to fail with this code, and to be counted once. */
async function fails(
  world: World,
  code: RequestErrorCode,
  url: string,
  settings: WorldUserSettings = {},
): Promise<void> {
  const before = world.samples.length;
  const { session } = world.user(settings);
  const error: unknown = await session.post(url, { name: "it" }).catch((error: unknown) => error);
  assert.ok(error instanceof RequestError, `${code}: no RequestError came`);
  assert.equal(error.code, code, error.message);
  assert.equal(error.method, "POST");
  assert.equal(world.isCounted(error), true);
  const [{ method, name, status, error: label }, ...more] = world.samples.slice(before) as [
    World["sample"],
  ];
  assert.deepEqual(
    { method, name, status, label },
    { method: "POST", name: "it", status: 0, label: code },
  );
  assert.equal(more.length, 0);
}

/** The same with a server that runs a script. */
async function failsOn(
  world: World,
  code: RequestErrorCode,
  play: ConnectionScript,
): Promise<void> {
  await using server = new RawServer(play);
  await fails(world, code, `${server.url}/`);
}

/** Answers the first request with bytes that never end. */
function flooding(start: string, more: string): ConnectionScript {
  return async (connection) => {
    await connection.readHead();
    await connection.write(start);
    for (;;) await connection.write(more);
  };
}

/** All error codes, each by a real cause. */
export function failureContract(contract: Contract): void {
  contract("a port without a listener: ECONNREFUSED", async (world) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    await fails(world, "ECONNREFUSED", `http://127.0.0.1:${port}/`);
    await fails(world, "ECONNREFUSED", `https://127.0.0.1:${port}/`);
  });

  contract("a closed or reset connection: ECONNRESET", async (world) => {
    await failsOn(world, "ECONNRESET", () => Promise.resolve());
    await failsOn(world, "ECONNRESET", answeringOnce(""));
    await failsOn(world, "ECONNRESET", (connection) => connection.reset());
  });

  contract("an unknown name: ENOTFOUND", async (world) => {
    // A label of over 63 characters is rejected without asking a name server.
    await fails(world, "ENOTFOUND", `http://${"a".repeat(64)}.test/`);
  });

  contract("a response that is not HTTP: BAD_RESPONSE", async (world) => {
    const heads = [
      "SSH-2.0-OpenSSH_9.2\r\n",
      "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nabcde",
      "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    ];
    for (const head of heads) await failsOn(world, "BAD_RESPONSE", answeringOnce(head));
  });

  contract("an invalid chunk size: BAD_RESPONSE", async (world) => {
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    await failsOn(world, "BAD_RESPONSE", answering(`${head}zz\r\nabc\r\n0\r\n\r\n`));
  });

  contract("a head, chunk extensions or trailers that never end are an error", async (world) => {
    const head = "HTTP/1.1 200 OK\r\n";
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`;
    const long = "x".repeat(50_000);
    for (
      const [start, more] of [
        [head, "a: b\r\n".repeat(1000)],
        [`${head}a: `, long],
        [`${chunked}1;`, long],
        [chunked, "1;extension\r\nx\r\n".repeat(1000)],
        [`${chunked}0\r\n`, "a: b\r\n".repeat(1000)],
        [`${chunked}0\r\na: `, long],
      ] as const
    ) {
      await using server = new RawServer(flooding(start, more));
      await assert.rejects(world.session.get(server.url), RequestError);
      const { error } = world.samples.at(-1)!;
      assert.match(error!, /^(TOO_LARGE|BAD_RESPONSE|INCOMPLETE_BODY)$/, start);
    }
  });

  contract("interim responses that never end: BAD_RESPONSE", async (world) => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(100);
    await failsOn(world, "BAD_RESPONSE", flooding("", hints));
  });

  contract("a truncated body: INCOMPLETE_BODY", async (world) => {
    const bodies = [
      "Content-Length: 10\r\n\r\nabc",
      "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ];
    for (const body of bodies) {
      await failsOn(world, "INCOMPLETE_BODY", answeringOnce(`HTTP/1.1 200 OK\r\n${body}`));
    }
  });

  contract("certificates: TLS_EXPIRED, TLS_HOSTNAME, TLS_UNTRUSTED", async (world) => {
    const trusting = { caCerts: [testAuthority()] };
    const ok = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    {
      await using server = new RawServer(ok, identity("expired"));
      await fails(world, "TLS_EXPIRED", server.url, trusting);
    }
    {
      await using server = new RawServer(ok, identity("wrong_host"));
      await fails(world, "TLS_HOSTNAME", server.url, trusting);
    }
    await using server = new RawServer(ok, identity("good"));
    await fails(world, "TLS_UNTRUSTED", server.url);
    const res = await world.user(trusting).session.get(server.url);
    assert.equal(await res.text(), "ok");
  });

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    contract(
      `no client certificate where one is required: TLS_CLIENT_CERT; ${maxVersion}`,
      async (world) => {
        const options = { ...identity("good"), requestCert: true, ca: testAuthority(), maxVersion };
        const server = createServer({ ...options, rejectUnauthorized: true });
        server.on("tlsClientError", () => {});
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const { port } = server.address() as { port: number };
        await fails(world, "TLS_CLIENT_CERT", `https://127.0.0.1:${port}/`, {
          caCerts: [testAuthority()],
        });
        await new Promise((resolve) => server.close(resolve));
      },
    );
  }

  contract("a peer that does not speak TLS: TLS", async (world) => {
    const plain = "HTTP/1.1 400 Bad Request\r\n\r\n";
    // A TLS handshake is not a head that a plain HTTP server could wait for.
    for (
      const play of [(c) => c.write(plain), () => Promise.resolve()] satisfies ConnectionScript[]
    ) {
      await using server = new RawServer(play);
      await fails(world, "TLS", server.url.replace("http:", "https:"));
    }
  });

  contract("plain HTTP to a TLS port: BAD_RESPONSE", async (world) => {
    await using server = new RawServer(silent, identity("good"));
    await fails(world, "BAD_RESPONSE", server.url.replace("https:", "http:"));
  });

  contract("invalid URLs: BAD_REQUEST, and nothing is sent", async (world) => {
    await fails(world, "BAD_REQUEST", "ftp://127.0.0.1/");
    await fails(world, "BAD_REQUEST", "http://[/");
    await fails(world, "BAD_REQUEST", "/no-scheme", { host: "localhost:8000" });
    const { target, session } = world;
    for (
      const [name, value] of [["a b", "c"], ["a\r\nb", "c"], ["a", "b\r\nc: d"], [
        "a",
        "☃",
      ]] as const
    ) {
      await assert.rejects(session.get("/", { headers: [[name, value]] }), { code: "BAD_REQUEST" });
      assert.equal(world.samples.at(-1)!.error, "BAD_REQUEST");
    }
    await assert.rejects(session.request("A B", "/"), { code: "BAD_REQUEST" });
    assert.equal(world.samples.length, 8);
    assert.equal(target.requests.length, 0);
  });

  contract("no message contains the value of a header", async ({ session }) => {
    for (const value of ["s3cret\nx", "s3cret☃"]) {
      await assert.rejects(
        session.get("/", { headers: { Authorization: value } }),
        (error: Error) => {
          assert.match(error.message, /^BAD_REQUEST: the value of Authorization contains "/);
          assert.doesNotMatch(Deno.inspect(error), /s3cret/);
          return true;
        },
      );
    }
  });

  contract("neither names nor messages contain user and password of a URL", async (world) => {
    const { session, samples } = world;
    const urls = ["http://me:s3cret@[/", "ftp://me:s3cret@127.0.0.1/", "me:s3cret@127.0.0.1/x"];
    for (const url of [...urls, "http://me:s3c/ret@127.0.0.1:x/", "//me:s3cret@127.0.0.1/"]) {
      const error = await world.user({ host: "" }).session.get(url).catch((error) => error);
      assert.doesNotMatch(`${error.stack} ${error.url} ${samples.at(-1)!.name}`, /s3c|ret@/, url);
    }
    await using server = new RawServer(answering(
      "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://me:s3cret@[/\r\n\r\n",
    ));
    const own = server.url.replace("//", "//me:s3cret@");
    for (const timeout of [5, 1e-9]) {
      const error = await session.get(own, { timeout }).catch((error) => error);
      assert.doesNotMatch(`${error.stack} ${error.url} ${samples.at(-1)!.name}`, /s3cret/);
    }
  });

  contract("a relative URL without a host ends the run, and is not counted", async (world) => {
    const { session } = world.user({ host: "" });
    await assert.rejects(session.get("/search?q=1"), (error) => {
      assert.ok(error instanceof PreparationError);
      assert.equal(error.message, "ShopTest has no host, so it cannot request '/search?q=1'");
      assert.match(error.hint, /^Set static host = .* or give -H/);
      assert.ok(world.isCounted(error));
      return true;
    });
    assert.equal(world.samples.length, 0);
  });

  contract("no response, half a head or half a body in time: TIMEOUT", async (world) => {
    for (
      const part of [
        "",
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
      ]
    ) {
      const arrived = Promise.withResolvers<void>();
      const left = Promise.withResolvers<void>();
      await using server = new RawServer(async (connection) => {
        await connection.readHead();
        await connection.write(part);
        arrived.resolve();
        await connection.readToEnd().finally(left.resolve);
      });
      const before = world.samples.length;
      const failed = assert.rejects(world.session.get(server.url, { timeout: 2 }), {
        code: "TIMEOUT",
      });
      await arrived.promise;
      await world.clock.advance(1999);
      assert.equal(world.samples.length, before);
      await world.clock.advance(1);
      await failed;
      // The connection is unusable and must not stay open on the target.
      await left.promise;
      assert.equal(world.samples.at(-1)!.error, "TIMEOUT");
      assert.equal(world.samples.at(-1)!.latencyMs, 2000);
    }
  });

  contract("a chain of redirects has one timeout", async (world) => {
    const { target, session, clock } = world;
    target.route("/", async () => {
      await clock.advance(1500);
      return new Response(null, { status: 302, headers: { location: "/" } });
    });
    await assert.rejects(session.get("/", { timeout: 2 }), { code: "TIMEOUT" });
    assert.equal(target.count("/"), 2);
    assert.equal(world.sample.error, "TIMEOUT");
  });

  contract("an invalid timeout is refused", async ({ session, samples }) => {
    for (const timeout of [0, -1, NaN]) {
      await assert.rejects(session.get("/", { timeout }), { name: "RangeError" });
    }
    assert.equal(samples.length, 0);
  });

  contract("the user continues after any failure", async (world) => {
    const { target, session } = world;
    target.route("/", () => new Response("x"));
    await using server = new RawServer(answeringOnce(""));
    for (let i = 0; i < 3; i++) {
      await assert.rejects(session.get(server.url), { code: "ECONNRESET" });
      assert.equal((await session.get("/")).status, 200);
    }
  });
}
