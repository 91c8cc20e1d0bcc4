import assert from "node:assert/strict";
import { ChunkWriter } from "../../src/core/chunk_writer.ts";
import type { StreamFile } from "../../src/core/stream_files.ts";
import { settle } from "../support/fake_clock.ts";

/** A file whose writes end when the test says so. */
class SlowFile implements StreamFile {
  text = "";
  isClosed = false;
  /** Why writes fail; `null` if they do not. */
  problem: string | null = null;
  readonly #pending: (() => void)[] = [];

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#turn();
    this.text += new TextDecoder().decode(bytes);
  }

  async clear(): Promise<void> {
    await this.#turn();
    this.text = "";
  }

  close(): Promise<void> {
    this.isClosed = true;
    return this.problem === null ? Promise.resolve() : Promise.reject(new Error("closing failed"));
  }

  /** Lets the access end that is under way. */
  async next(): Promise<void> {
    this.#pending.shift()!();
    await settle();
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => this.#pending.push(resolve));
    if (this.problem !== null) throw new Error(this.problem);
  }
}

function scene(): {
  file: SlowFile;
  writer: ChunkWriter;
  problems: string[];
  put(text: string): boolean;
} {
  const file = new SlowFile();
  const problems: string[] = [];
  const writer = new ChunkWriter(file, {
    chunkBytes: 8,
    maxChunks: 3,
    onProblem: (problem) => problems.push(problem),
  });
  return {
    file,
    writer,
    problems,
    put(text): boolean {
      const chunk = writer.take();
      if (chunk === null) return false;
      writer.put(chunk, new TextEncoder().encodeInto(text, chunk).written, 1);
      return true;
    },
  };
}

Deno.test("buffers are written one after the other, and lent again", async () => {
  const { file, writer, put } = scene();
  assert.deepEqual(["one ", "two ", "three ", "four "].map(put), [true, true, true, false]);
  await file.next();
  assert.equal(file.text, "one ");
  assert.equal(put("five "), true);
  assert.equal(put("six "), false);
  for (let i = 0; i < 3; i++) await file.next();
  assert.equal(file.text, "one two three five ");
  assert.equal(writer.isIdle, true);
  assert.equal(writer.lost, 0);
});

Deno.test("closing waits until everything is written", async () => {
  const { file, writer, put, problems } = scene();
  put("one ");
  put("two ");
  const closed = writer.close();
  await file.next();
  assert.equal(file.isClosed, false);
  await file.next();
  await closed;
  assert.equal(file.isClosed, true);
  assert.equal(file.text, "one two ");
  assert.equal(writer.take()?.length, 8);
  assert.deepEqual(problems, []);
});

Deno.test("after a problem nothing more is written, and all that was lost is counted", async () => {
  const { file, writer, put, problems } = scene();
  put("one ");
  await file.next();
  file.problem = "no space left on the device";
  put("two ");
  put("three ");
  await file.next();
  assert.equal(file.text, "one ");
  file.problem = null;
  put("four ");
  await settle();
  await writer.close();
  assert.equal(file.text, "one ");
  assert.equal(file.isClosed, true);
  assert.equal(writer.lost, 3);
  assert.equal(writer.problem, "no space left on the device");
  assert.deepEqual(problems, ["no space left on the device"]);
});

Deno.test("clearing removes what was written, what is being written, and what waits", async () => {
  const { file, writer, put } = scene();
  put("one ");
  await file.next();
  put("two ");
  put("three ");
  writer.clear();
  put("four ");
  await file.next();
  assert.equal(file.text, "one two ");
  await file.next();
  assert.equal(file.text, "");
  await file.next();
  assert.equal(file.text, "four ");
  assert.equal(writer.isIdle, true);
});

Deno.test("what cannot be written any more is not counted as lost after clearing", async () => {
  const { file, writer, put } = scene();
  file.problem = "input/output error";
  put("one ");
  put("two ");
  writer.clear();
  put("three ");
  await file.next();
  assert.equal(writer.lost, 1);
  await writer.close();
});
