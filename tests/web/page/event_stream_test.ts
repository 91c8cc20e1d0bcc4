import assert from "node:assert/strict";
import { EventStreamReader } from "../../../src/web/page/event_stream.js";

const STREAM = ': hello\n\nevent: view\ndata: {"a":\ndata: 1}\n\nid: 7\ndata:plain\r\n\r\n' +
  "event: nothing\n\n: beat\n\nevent:log\ndata: {}\n\n";
const EVENTS = [
  { name: "view", data: '{"a":\n1}' },
  { name: "message", data: "plain" },
  { name: "log", data: "{}" },
];

Deno.test("a stream's events are told however it is cut", () => {
  assert.deepEqual(new EventStreamReader().push(STREAM), EVENTS);
  for (let at = 0; at <= STREAM.length; at += 1) {
    const reader = new EventStreamReader();
    const events = [...reader.push(STREAM.slice(0, at)), ...reader.push(STREAM.slice(at))];
    assert.deepEqual(events, EVENTS, `cut at ${at}`);
  }
  const reader = new EventStreamReader();
  assert.deepEqual([...STREAM].flatMap((character) => reader.push(character)), EVENTS);
});

Deno.test("an event that was not ended is none", () => {
  assert.deepEqual(new EventStreamReader().push("event: view\ndata: {}\n"), []);
});
