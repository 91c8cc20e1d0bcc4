import assert from "node:assert/strict";
import fc from "fast-check";
import { EventStreamParser, type ServerSentEvent } from "../../src/http/event_stream.ts";
import { WireError } from "../../src/http/request_error.ts";

const encoder = new TextEncoder();

/** The events of a stream whose bytes arrive in pieces that end at these places. */
function parsed(bytes: Uint8Array, ends: readonly number[] = []): ServerSentEvent[] {
  const parser = new EventStreamParser();
  const events: ServerSentEvent[] = [];
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    events.push(...parser.push(bytes.slice(from, end), 0));
    from = end;
  }
  return events;
}

function eventsOf(text: string): string[] {
  return parsed(encoder.encode(text)).map(({ type, data, id }) =>
    JSON.stringify(id === "" ? [type, data] : [type, data, id])
  );
}

Deno.test("the examples of the standard", () => {
  assert.deepEqual(eventsOf("data: YHOO\ndata: +2\ndata: 10\n\n"), [
    '["message","YHOO\\n+2\\n10"]',
  ]);
  assert.deepEqual(
    eventsOf(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event",
    ),
    ['["message","first event","1"]', '["message","second event"]'],
  );
  assert.deepEqual(eventsOf("data\n\ndata\ndata\n\ndata:"), [
    '["message",""]',
    '["message","\\n"]',
  ]);
  assert.deepEqual(eventsOf("data:test\n\ndata: test\n\n"), [
    '["message","test"]',
    '["message","test"]',
  ]);
});

Deno.test("an event has the type of its last line event, and the next one does not", () => {
  assert.deepEqual(eventsOf("event: a\nevent:b\ndata:1\n\ndata:2\n\n"), [
    '["b","1"]',
    '["message","2"]',
  ]);
  assert.deepEqual(eventsOf("event: a\n\ndata:1\n\n"), ['["message","1"]']);
});

Deno.test("an id is kept for later events, also from an event without data", () => {
  assert.deepEqual(
    eventsOf("id: 1\n\ndata:a\n\nid: 2\0\ndata:b\n\nid:\ndata:c\n\n"),
    ['["message","a","1"]', '["message","b","1"]', '["message","c"]'],
  );
});

Deno.test("unknown fields, comments and names in other cases are ignored", () => {
  assert.deepEqual(eventsOf("foo: 1\n:data: 2\nData: 3\n data: 4\n\ndata:5\n\n"), [
    '["message","5"]',
  ]);
});

Deno.test("lines end with CR, LF or CRLF, and a CR at the end of a piece ends the event", () => {
  assert.deepEqual(eventsOf("data:1\r\rdata:2\r\n\r\ndata:3\n\n"), [
    '["message","1"]',
    '["message","2"]',
    '["message","3"]',
  ]);
  const parser = new EventStreamParser();
  assert.equal(parser.push(encoder.encode("data:1\r\n\r"), 0).length, 1);
  assert.equal(parser.push(encoder.encode("\ndata:2\n"), 0).length, 0);
  assert.equal(parser.push(encoder.encode("\n"), 0).length, 1);
});

Deno.test("a byte order mark is dropped at the beginning only", () => {
  assert.deepEqual(eventsOf("\uFEFFdata:1\n\n\uFEFFdata:2\n\n"), ['["message","1"]']);
});

Deno.test("only digits are a time after which to connect again", () => {
  const parser = new EventStreamParser();
  parser.push(encoder.encode("retry: 1s\nretry: -1\n"), 0);
  assert.equal(parser.retryMs, null);
  parser.push(encoder.encode("retry: 1500\n"), 0);
  assert.equal(parser.retryMs, 1500);
});

Deno.test("an event has the time of the piece that completed it", () => {
  const parser = new EventStreamParser();
  assert.deepEqual(parser.push(encoder.encode("data:1\n"), 10), []);
  const [event] = parser.push(encoder.encode("\n"), 20);
  assert.equal(event?.atMs, 20);
});

Deno.test("an event that is too large is refused, in one line and in many", () => {
  const isTooLarge = (error: unknown): boolean =>
    error instanceof WireError && error.code === "TOO_LARGE";
  const line = new EventStreamParser(100);
  line.push(encoder.encode("data:" + "x".repeat(90)), 0);
  assert.throws(() => line.push(encoder.encode("x".repeat(10)), 0), isTooLarge);
  const lines = new EventStreamParser(100);
  assert.throws(() => lines.push(encoder.encode("data:12345678\n".repeat(13)), 0), isTooLarge);
  const many = new EventStreamParser(100);
  assert.equal(many.push(encoder.encode("data:12345678\n\n".repeat(50)), 0).length, 50);
});

Deno.test("the events do not depend on where the bytes are cut", () => {
  const part = fc.constantFrom(
    ...[
      "data",
      "event",
      "id",
      "retry",
      ":",
      " ",
      "\n",
      "\r",
      "\r\n",
      "\n\n",
      "é",
      "€",
      "😀",
      "\uFEFF",
    ],
    ...["data:", "data: x\n", "\0", "7"],
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), fc.infiniteStream(fc.nat(5)), (parts, sizes) => {
      const bytes = encoder.encode(parts.join(""));
      const ends: number[] = [];
      for (const size of sizes) {
        const end = (ends.at(-1) ?? 0) + size;
        if (end >= bytes.length) break;
        ends.push(end);
        if (ends.length > 500) break;
      }
      const whole = parsed(bytes);
      assert.deepEqual(parsed(bytes, ends), whole);
      assert.deepEqual(parsed(bytes, [...bytes.keys()].slice(1)), whole);
      assert.deepEqual(whole, reference(new TextDecoder().decode(bytes)));
    }),
    { numRuns: 2000 },
  );
});

/** The standard's algorithm, line by line, on a whole text. */
function reference(text: string): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  lines.pop();
  let [data, type, id] = ["", "", ""];
  for (const line of lines) {
    if (line === "") {
      if (data !== "") {
        events.push({ type: type || "message", data: data.slice(0, -1), id, atMs: 0 });
      }
      [data, type] = ["", ""];
      continue;
    }
    const [, name = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (name === "data") data += value + "\n";
    else if (name === "event") type = value;
    else if (name === "id" && !value.includes("\0")) id = value;
  }
  return events;
}
