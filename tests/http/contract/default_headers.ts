import assert from "node:assert/strict";
import { redirect, Target } from "../../support/target.ts";
import type { Contract } from "./world.ts";

/** Headers that are sent with every request of a user. */
export function defaultHeaderContract(contract: Contract): void {
  contract("headers of the class and of the session are sent with every request", async (world) => {
    const { target } = world;
    target.route("/", () => new Response("x"));
    const { session } = world.user({ headers: [["accept-language", "de"], ["x-class", "1"]] });
    const received = (...names: string[]): (string | null)[] =>
      names.map((name) => target.last.headers.get(name));
    await session.get("/");
    await session.get("/");
    assert.deepEqual(received("accept-language", "x-class"), ["de", "1"]);
    session.headers.set("Accept-Language", "fr");
    session.headers.set("authorization", "Bearer t");
    await session.post("/", { json: { a: 1 } });
    assert.deepEqual(received("accept-language", "authorization", "content-type"), [
      "fr",
      "Bearer t",
      "application/json",
    ]);
    assert.equal(session.headers.delete("X-Class"), true);
    await session.get("/");
    assert.deepEqual(received("accept-language", "x-class"), ["fr", null]);
    session.renew();
    await session.get("/");
    assert.deepEqual(received("accept-language", "x-class", "authorization"), ["de", "1", null]);
    await world.user().session.get("/");
    assert.equal(received("x-class")[0], null);
  });

  contract("a request's own headers and auth replace those of the session", async (world) => {
    const { target } = world;
    target.route("/", () => new Response("x"));
    const { session } = world.user({
      headers: [["authorization", "Bearer t"], ["x-a", "1"], ["Content-Type", "text/x"]],
    });
    const received = (...names: string[]): (string | null)[] =>
      names.map((name) => target.last.headers.get(name));
    await session.get("/", { headers: { "X-A": "2" } });
    assert.deepEqual(received("x-a", "authorization"), ["2", "Bearer t"]);
    await session.get("/", { headers: { "x-a": undefined } });
    assert.deepEqual(received("x-a", "authorization"), [null, "Bearer t"]);
    await session.get("/", { auth: ["u", "p"] });
    assert.deepEqual(received("x-a", "authorization"), ["1", `Basic ${btoa("u:p")}`]);
    await session.get(`${target.url.replace("//", "//u:p@")}/`);
    assert.equal(received("authorization")[0], `Basic ${btoa("u:p")}`);
    await session.post("/", { json: {} });
    assert.equal(received("content-type")[0], "text/x");
    await session.post("/", { json: {}, headers: { "content-type": "text/y" } });
    assert.equal(received("content-type")[0], "text/y");
  });

  contract("redirects treat headers of the session as those of the request", async (world) => {
    const { target } = world;
    await using other = new Target({ "/end": () => new Response("x") });
    target.route("/end", () => new Response("x"));
    target.route("/away", () => redirect(302, `${other.url}/end`));
    target.route("/home", () => redirect(302, "/end"));
    const { session } = world.user({
      headers: [["authorization", "Bearer t"], ["cookie", "a=b"], ["x-a", "1"]],
    });
    const received = (target: Target): (string | null)[] =>
      ["authorization", "cookie", "x-a"].map((name) => target.last.headers.get(name));
    await session.get("/home");
    assert.deepEqual(received(target), ["Bearer t", "a=b", "1"]);
    await session.get("/away");
    assert.deepEqual(received(other), [null, null, "1"]);
  });
}
