import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { redirect, type SeenRequest, Target } from "../../support/target.ts";
import type { Contract } from "./world.ts";

const DIGEST = { digest: ["ann", "secret"] } as const;

/** One side of Digest authentication that checks each answer, and how often a nonce is used. */
class DigestServer {
  nonce = 1;
  /** Requests that a nonce is good for. */
  usesPerNonce = Infinity;
  readonly answers: string[] = [];
  readonly #usesSeen = new Set<string>();

  /** The answer to a request: 200, or 401 with a challenge. */
  answer({ method, headers }: SeenRequest): Response {
    const authorization = headers.get("authorization") ?? "";
    if (!authorization.startsWith("Digest ")) return this.#challenge("none", "");
    const field = (name: string): string =>
      new RegExp(`[ ,]${name}="?([^",]*)`).exec(authorization)?.[1] ?? "";
    const [uses, nonce] = [field("nc"), field("nonce")];
    if (nonce !== `n${this.nonce}` || parseInt(uses, 16) > this.usesPerNonce) {
      this.nonce++;
      return this.#challenge("stale", ", stale=true");
    }
    const hash = (text: string): string => createHash("sha256").update(text).digest("hex");
    const action = hash(`${method}:${field("uri")}`);
    const response = hash(
      `${hash("ann:r:secret")}:${nonce}:${uses}:${field("cnonce")}:auth:${action}`,
    );
    if (response !== field("response")) return this.#challenge("wrong", "");
    assert.ok(!this.#usesSeen.has(nonce + uses), "a nonce count was used twice");
    this.#usesSeen.add(nonce + uses);
    this.answers.push(`ok ${uses}`);
    return new Response("welcome");
  }

  #challenge(why: string, more: string): Response {
    this.answers.push(why);
    const header = `Digest realm="r", nonce="n${this.nonce}", algorithm=SHA-256, qop="auth"${more}`;
    return new Response("no entry", { status: 401, headers: { "www-authenticate": header } });
  }
}

/** Credentials. */
export function authContract(contract: Contract): void {
  contract("Digest authentication answers a challenge once, and is one request", async (world) => {
    const { target, session, clock } = world;
    const server = new DigestServer();
    target.route("/", async (request) => {
      await clock.advance(10);
      return server.answer(request);
    });
    const res = await session.get("/?a=b", { auth: DIGEST });
    assert.equal(await res.text(), "welcome");
    assert.equal(res.redirected, false);
    assert.equal(res.latencyMs, 20);
    const { name, status, latencyMs, bytesReceived, error } = world.sample;
    assert.deepEqual([name, status, latencyMs, bytesReceived, error], ["/", 200, 20, 15, null]);
    assert.deepEqual(server.answers, ["none", "ok 00000001"]);
    // Later requests are not challenged, whatever their method and path.
    target.route("/form", (request) => server.answer(request));
    await session.post("/form", { auth: DIGEST, form: { a: 1 } });
    assert.deepEqual(server.answers, ["none", "ok 00000001", "ok 00000002"]);
  });

  contract(
    "a nonce that is too old is replaced, and wrong credentials are a 401",
    async (world) => {
      const { target, session, samples } = world;
      const server = new DigestServer();
      server.usesPerNonce = 2;
      target.route("/", (request) => server.answer(request));
      for (let i = 0; i < 3; i++) await session.get("/", { auth: DIGEST });
      assert.deepEqual(server.answers.slice(-2), ["stale", "ok 00000001"]);
      assert.deepEqual(samples.map(({ error }) => error), [null, null, null]);
      server.answers.length = 0;
      const res = await session.get("/", { auth: { digest: ["ann", "guess"] } });
      assert.equal(res.status, 401);
      assert.deepEqual(server.answers, ["none", "wrong"]);
      target.route("/none", () => new Response("", { status: 401 }));
      assert.equal((await session.get("/none", { auth: DIGEST })).status, 401);
      assert.equal(target.count("/none"), 1);
    },
  );

  contract("credentials of the session are sent with all requests", async (world) => {
    const { target, session } = world;
    const server = new DigestServer();
    target.route("/", (request) => server.answer(request));
    target.route("/free", () => new Response("x"));
    session.auth = DIGEST;
    await session.get("/");
    await session.get("/");
    assert.deepEqual(server.answers, ["none", "ok 00000001", "ok 00000002"]);
    const sent = async (options = {}, path = "/free"): Promise<string | null> => {
      await session.get(path, options);
      return target.last.headers.get("authorization");
    };
    assert.match(await sent() ?? "", /^Digest username="ann".* nc=00000003/);
    assert.equal(await sent({ auth: null }), null);
    assert.equal(await sent({ auth: ["u", "p"] }), `Basic ${btoa("u:p")}`);
    assert.equal(await sent({ headers: { authorization: "Bearer x" } }), "Bearer x");
    assert.equal(
      await sent({}, `${target.url.replace("//", "//u:p@")}/free`),
      `Basic ${btoa("u:p")}`,
    );
    session.auth = ["ann", "secret"];
    assert.equal(await sent(), `Basic ${btoa("ann:secret")}`);
    assert.equal(await sent({ auth: null }), null);
    session.headers.set("authorization", "Bearer y");
    assert.equal(await sent(), "Bearer y");
    session.headers.delete("authorization");
    assert.deepEqual(session.auth, ["ann", "secret"]);
    session.renew();
    assert.equal(session.auth, null);
    assert.equal(await sent(), null);
  });

  contract("Digest authentication follows redirects of the same origin only", async (world) => {
    const { target, session, samples } = world;
    await using other = new Target();
    const server = new DigestServer();
    const foreign = new DigestServer();
    other.route("/", (request) => foreign.answer(request));
    target.route("/start", (request) => {
      const answer = server.answer(request);
      return answer.status === 401 ? answer : redirect(302, "/end");
    });
    target.route("/end", (request) => server.answer(request));
    target.route("/away", () => redirect(307, `${other.url}/`));
    assert.equal((await session.post("/start", { auth: DIGEST, json: {} })).status, 200);
    assert.deepEqual(server.answers, ["none", "ok 00000001", "ok 00000002"]);
    assert.equal((await session.get("/away", { auth: DIGEST })).status, 401);
    assert.deepEqual(foreign.answers, ["none"]);
    assert.equal(samples.length, 2);
  });

  contract(
    "a stream is not sent again for a challenge, but later requests are authorized",
    async (world) => {
      const { target, session } = world;
      const server = new DigestServer();
      target.route("/", (request) => server.answer(request));
      const body = ReadableStream.from([new Uint8Array(3)]);
      assert.equal((await session.post("/", { auth: DIGEST, body })).status, 401);
      const again = ReadableStream.from([new Uint8Array(3)]);
      assert.equal((await session.post("/", { auth: DIGEST, body: again })).status, 200);
      assert.deepEqual(server.answers, ["none", "ok 00000001"]);
    },
  );

  contract("invalid credentials are refused without showing them", async (world) => {
    const { session, samples } = world;
    const message = "auth: expected [user, password] or { digest: [user, password] }, all strings";
    const wrong: unknown[] = [
      "ann:secret",
      ["ann"],
      ["ann", 5],
      { digest: ["ann"] },
      { digest: "ann:secret" },
      { digest: ["a", "b"], basic: ["a", "b"] },
      { user: "ann", password: "secret" },
    ];
    for (const auth of wrong) {
      await assert.rejects(session.get("/", { auth } as never), { name: "TypeError", message });
      assert.throws(() => session.auth = auth as never, { name: "TypeError", message });
    }
    assert.equal(session.auth, null);
    assert.equal(samples.length, 0);
  });
}
