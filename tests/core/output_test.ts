import assert from "node:assert/strict";
import { StreamOutput, type SyncStream } from "../../src/core/output.ts";
import { FakeClock } from "../support/fake_clock.ts";

const decoder = new TextDecoder();

/** An error as the system causes it. */
function systemError(code: string, type: new (message: string) => Error = Error): Error {
  return Object.assign(new type(`${code} (os error)`), { code });
}

/** A pipe that takes a number of bytes, and then fails. */
class Pipe implements SyncStream {
  /** How many bytes it still takes. */
  room: number;
  /** What it fails with when there is no room. */
  error: Error;
  text = "";
  tries = 0;
  readonly output: StreamOutput;
  readonly clock = new FakeClock();

  constructor(room: number, error: Error) {
    this.room = room;
    this.error = error;
    this.output = new StreamOutput(this, () => ({ columns: 120, rows: 40 }), this.clock);
  }

  isTerminal(): boolean {
    return false;
  }

  writeSync(bytes: Uint8Array): number {
    this.tries++;
    if (this.room === 0) throw this.error;
    const part = bytes.subarray(0, this.room);
    this.room -= part.length;
    this.text += decoder.decode(part);
    return part.length;
  }
}

const FULL_PIPE = systemError("EAGAIN", Deno.errors.WouldBlock);

Deno.test("a text is written whole, however little a stream takes at once", () => {
  const bytes: number[] = [];
  const slow: SyncStream = {
    isTerminal: () => false,
    writeSync: ([first]) => bytes.push(first!) && 1,
  };
  const output = new StreamOutput(slow, () => ({ columns: 80, rows: 24 }), new FakeClock());
  output.write("abcdé");
  assert.equal(decoder.decode(new Uint8Array(bytes)), "abcdé");
  assert.equal(output.problem, null);
});

Deno.test("what a slow reader has no room for follows in order, as soon as it has read", async () => {
  const pipe = new Pipe(3, FULL_PIPE);
  pipe.output.write("hello ");
  pipe.output.write("world");
  assert.equal(pipe.text, "hel");
  pipe.room = 4;
  await pipe.clock.advance(10);
  assert.equal(pipe.text, "hello w");
  pipe.room = Infinity;
  // The rest goes first.
  pipe.output.write("!");
  await pipe.clock.advance(10);
  assert.equal(pipe.text, "hello world!");
  assert.equal(pipe.output.problem, null);
  assert.equal(pipe.clock.pending, 0);
});

Deno.test("the end waits for a slow reader as long as it reads", async () => {
  const pipe = new Pipe(0, FULL_PIPE);
  pipe.output.write("x".repeat(5));
  let flushed = false;
  const flush = pipe.output.flush().then(() => flushed = true);
  for (let read = 0; read < 5; read++) {
    await pipe.clock.advance(50_000);
    assert.equal(flushed, false);
    pipe.room = 1;
    await pipe.clock.advance(10);
  }
  await pipe.clock.advance(10);
  await flush;
  assert.equal(pipe.text, "xxxxx");
  assert.equal(pipe.output.problem, null);
});

Deno.test("the end does not wait for a reader that has stopped reading", async () => {
  const pipe = new Pipe(2, FULL_PIPE);
  pipe.output.write("hello");
  const flush = pipe.output.flush();
  await pipe.clock.advance(61_000);
  await flush;
  assert.equal(pipe.output.problem, "the reader does not read");
  assert.equal(pipe.text, "he");
  const { tries } = pipe;
  pipe.output.write("more");
  assert.equal(pipe.tries, tries);
});

Deno.test("memory for a reader that does not read is limited", () => {
  const pipe = new Pipe(0, FULL_PIPE);
  for (let megabytes = 0; megabytes < 17; megabytes++) pipe.output.write("x".repeat(1024 * 1024));
  assert.equal(pipe.output.problem, "the reader is too slow");
});

Deno.test("a closed pipe is not written again, and the problem stays", () => {
  const pipe = new Pipe(5, systemError("EPIPE", Deno.errors.BrokenPipe));
  pipe.output.write("first line\n");
  assert.equal(pipe.output.problem, "the reader has closed the pipe");
  pipe.room = Infinity;
  pipe.output.write("second line\n");
  assert.equal(pipe.text, "first");
  assert.equal(pipe.output.problem, "the reader has closed the pipe");
});

Deno.test("a full disk loses one text, and the problem ends when there is space again", () => {
  const pipe = new Pipe(0, systemError("ENOSPC"));
  pipe.output.write("lost\n");
  assert.equal(pipe.output.problem, "no space left on the device");
  pipe.room = Infinity;
  pipe.output.write("written\n");
  assert.equal(pipe.output.problem, null);
  assert.equal(pipe.text, "written\n");
});

Deno.test("a terminal that is gone has the default size", () => {
  let size = (): { columns: number; rows: number } => ({ columns: 120, rows: 40 });
  const stream: SyncStream = { isTerminal: () => true, writeSync: ({ length }) => length };
  const output = new StreamOutput(stream, () => size(), new FakeClock());
  assert.deepEqual([output.columns, output.rows], [120, 40]);
  size = () => {
    throw systemError("EIO");
  };
  assert.deepEqual([output.columns, output.rows], [80, Infinity]);
});

Deno.test("a terminal that does not show UTF-8 gets ASCII, and a file gets UTF-8", () => {
  const written = (isTerminal: boolean): string => {
    let text = "";
    const stream: SyncStream = {
      isTerminal: () => isTerminal,
      writeSync: (bytes) => {
        text += decoder.decode(bytes);
        return bytes.length;
      },
    };
    const size = { columns: 80, rows: 24 };
    new StreamOutput(stream, () => size, new FakeClock(), false).write("✓ passed");
    return text;
  };
  assert.equal(written(true), "+ passed");
  assert.equal(written(false), "✓ passed");
});
