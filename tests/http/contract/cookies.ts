import assert from "node:assert/strict";
import { redirect, type Route, Target } from "../../support/target.ts";
import type { Contract } from "./world.ts";

/** A route that sends these `Set-Cookie` headers. */
function setting(...cookies: string[]): Route {
  return () =>
    new Response("x", {
      headers: cookies.map((cookie): [string, string] => ["set-cookie", cookie]),
    });
}

/** Cookies of users. */
export function cookieContract(contract: Contract): void {
  contract("each user has its own cookies", async (world) => {
    const { target, session } = world;
    const { session: other } = world.user();
    target.route("/login", setting("sid=abc; HttpOnly", "theme=dark"));
    target.route("/", () => new Response("x"));
    await session.get("/login");
    await session.get("/");
    assert.equal(target.last.headers.get("cookie"), "sid=abc; theme=dark");
    assert.equal(session.cookies.get("sid"), "abc");
    await other.get("/");
    assert.equal(target.last.headers.get("cookie"), null);
    assert.equal(other.cookies.get("sid"), undefined);
  });

  contract("cookies can be set and cleared", async ({ target, session }) => {
    target.route("/", () => new Response("x"));
    session.cookies.set("token", "t");
    await session.get("/");
    assert.equal(target.last.headers.get("cookie"), "token=t");
    session.cookies.clear();
    await session.get("/");
    assert.equal(target.last.headers.get("cookie"), null);
  });

  contract(
    "a target that sets ever more cookies does not make requests ever longer",
    async (world) => {
      const { target, session } = world;
      let visits = 0;
      target.route("/", (request) => setting(`visit${visits++}=${"x".repeat(20)}`)(request));
      let longest = 0;
      for (let visit = 0; visit < 120; visit++) {
        await session.get("/");
        longest = Math.max(longest, target.last.headers.get("cookie")?.length ?? 0);
      }
      assert.equal(target.last.headers.get("cookie")!.split("; ").length, 50);
      assert.ok(longest <= 50 * "visit123=; ".length + 50 * 20, `${longest} bytes`);
    },
  );

  contract("cookies of the test are sent before stored ones of other names", async (world) => {
    const { target, session } = world;
    target.route("/", setting("a=kept", "b=kept"));
    target.route("/moved", (request) => {
      const response = setting("fresh=1")(request) as Response;
      return new Response(null, {
        status: 302,
        headers: [...response.headers, ["location", "/end"]],
      });
    });
    target.route("/end", () => new Response("x"));
    const sent = async (path: string, headers: [string, string][]): Promise<string | null> => {
      await session.get(path, { headers });
      return target.last.headers.get("cookie");
    };
    assert.equal(await sent("/end", [["Cookie", "own=1"]]), "own=1");
    await session.get("/");
    assert.equal(await sent("/end", [["Cookie", "a=own"]]), "a=own; b=kept");
    assert.equal(await sent("/end", [["Cookie", "a = 1;c"], ["cookie", "b"]]), "a = 1;c; b");
    assert.equal(await sent("/end", [["Cookie", ""]]), "a=kept; b=kept");
    assert.equal(await sent("/moved", [["Cookie", "a=own"]]), "a=own; b=kept; fresh=1");
  });

  contract("cookies are limited to their path", async ({ target, session }) => {
    target.route("/set", setting("deep=1; Path=/shop", "all=2; Path=/"));
    for (const path of ["/shop", "/shop/cart", "/shopping"]) {
      target.route(path, () => new Response("x"));
    }
    await session.get("/set");
    const cookies: (string | null)[] = [];
    for (const path of ["/shop", "/shop/cart", "/shopping"]) {
      await session.get(path);
      cookies.push(target.last.headers.get("cookie"));
    }
    assert.deepEqual(cookies, ["deep=1; all=2", "deep=1; all=2", "all=2"]);
  });

  contract("a foreign Domain is refused, and Secure needs TLS", async ({ target, session }) => {
    target.route(
      "/",
      setting("evil=1; Domain=other.test", "safe=1; Secure", "own=1; Domain=127.0.0.1"),
    );
    await session.get("/");
    await session.get("/");
    assert.equal(target.last.headers.get("cookie"), "own=1");
  });

  contract("Max-Age takes precedence over Expires, and 0 deletes", async ({ target, session }) => {
    const past = "Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    target.route("/", setting(`kept=1; Max-Age=1000; ${past}`, `gone=1; ${past}`));
    await session.get("/");
    await session.get("/");
    assert.equal(target.last.headers.get("cookie"), "kept=1");
    target.route("/", setting("kept=1; Max-Age=0"));
    await session.get("/");
    await session.get("/");
    assert.equal(target.last.headers.get("cookie"), null);
  });

  contract("cookies of a redirect are sent with the next request", async ({ target, session }) => {
    // 127.0.0.2 is another host. Servers that differ only in their ports share cookies.
    await using other = new Target({ "/": () => new Response("x") }, "127.0.0.2");
    target.route("/login", () => {
      const response = redirect(302, "/home");
      response.headers.append("set-cookie", "sid=abc");
      return response;
    });
    target.route("/home", () => new Response("x"));
    target.route("/away", () => redirect(302, `${other.url}/`));
    await session.post("/login", { form: { user: "a" } });
    assert.equal(target.last.headers.get("cookie"), "sid=abc");
    // A login mostly replaces the cookie of an anonymous visitor.
    session.cookies.set("sid", "anonymous");
    await session.post("/login");
    assert.equal(target.last.headers.get("cookie"), "sid=abc");
    await session.get("/away");
    assert.equal(other.last.headers.get("cookie"), null);
  });
}
