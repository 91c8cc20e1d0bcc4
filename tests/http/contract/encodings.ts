import assert from "node:assert/strict";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import type { Contract } from "./world.ts";

const TEXT = "hello ".repeat(500);

const CODED: readonly (readonly [string, Uint8Array])[] = [
  ["gzip", gzipSync(TEXT)],
  ["GZip", gzipSync(TEXT)],
  ["x-gzip", gzipSync(TEXT)],
  ["deflate", deflateSync(TEXT)],
  ["deflate", deflateRawSync(TEXT)],
  ["br", brotliCompressSync(TEXT)],
  ["zstd", zstdCompressSync(TEXT)],
  ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
];

function coded(coding: string, bytes: Uint8Array): Response {
  return new Response(new Uint8Array(bytes), { headers: { "content-encoding": coding } });
}

/** Content codings of responses. */
export function encodingContract(contract: Contract): void {
  contract(
    "gzip, deflate, br and zstd are decoded, and their size on the wire is counted",
    async (world) => {
      const { target, session, samples } = world;
      for (const [coding, bytes] of CODED) {
        target.route("/", () => coded(coding, bytes));
        const res = await session.get("/");
        assert.equal(await res.text(), TEXT, coding);
        assert.equal(await res.text(), TEXT, coding);
        assert.equal(samples.at(-1)!.bytesReceived, bytes.length, coding);
      }
    },
  );

  contract("for gzip of unknown length, the size on the wire is counted", async (world) => {
    const bytes = gzipSync(TEXT);
    world.target.route("/", () => {
      const body = ReadableStream.from([new Uint8Array(bytes)]);
      return new Response(body, { headers: { "content-encoding": "gzip" } });
    });
    await world.session.get("/");
    assert.equal(world.sample.bytesReceived, bytes.length);
  });

  contract("an unknown coding is BAD_ENCODING when the body is read", async (world) => {
    const { target, session, samples } = world;
    target.route("/", () => coded("zipp", new TextEncoder().encode("raw")));
    const res = await session.get("/");
    await assert.rejects(res.text(), {
      code: "BAD_ENCODING",
      message: /unknown content coding "zipp"/,
    });
    assert.equal(samples[0]!.error, null);
  });

  contract("all members of a gzip body are decoded", async ({ target, session }) => {
    const members = new Uint8Array([...gzipSync("one "), ...gzipSync("two")]);
    target.route("/", () => coded("gzip", members));
    assert.equal(await (await session.get("/")).text(), "one two");
  });

  contract("text and JSON are in the charset of the content type", async (world) => {
    const { target, session, samples } = world;
    const body = Uint8Array.from('{"name":"J\xfcrgen"}', (byte) => byte.charCodeAt(0));
    const answer = (charset: string): void =>
      target.route("/", () =>
        new Response(body, {
          headers: { "content-type": `application/json; charset=${charset}` },
        }));
    answer("iso-8859-1");
    const res = await session.get("/");
    assert.equal(await res.text(), '{"name":"Jürgen"}');
    assert.deepEqual(await res.json(), { name: "Jürgen" });
    answer("klingon");
    await session.get("/", {}, (res) => res.json());
    assert.equal(samples.at(-1)!.error, "BAD_ENCODING");
    assert.equal((await (await session.get("/")).bytes()).length, body.length);
  });

  contract("a response to HEAD can name a coding", async ({ target, session, samples }) => {
    target.route("/", () => new Response(null, { headers: { "content-encoding": "gzip" } }));
    assert.equal(await (await session.head("/")).text(), "");
    assert.equal(samples[0]!.error, null);
  });

  contract("a corrupt or truncated body is BAD_ENCODING when it is read", async (world) => {
    const { target, session, samples } = world;
    const readIt = async (res: { text(): Promise<string> }): Promise<void> => void await res.text();
    for (const [coding, bytes] of CODED) {
      for (const bad of [bytes.slice(0, -5), Uint8Array.from(bytes, (byte) => byte ^ 0x55)]) {
        target.route("/", () => coded(coding, bad));
        await session.get("/", {}, readIt).catch(() => {});
        assert.equal(samples.at(-1)!.error, "BAD_ENCODING", `${coding}, ${bad.length} bytes`);
      }
    }
    assert.equal(samples.length, CODED.length * 2);
  });
}
