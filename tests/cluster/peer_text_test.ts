import assert from "node:assert/strict";
import { peerText } from "../../src/cluster/peer_text.ts";

Deno.test("what a terminal would obey is gone, and the rest is as it was", () => {
  assert.equal(peerText("Zürich 東京 100 %"), "Zürich 東京 100 %");
  assert.equal(peerText("a\r\nb\x1b]0;title\x07"), "a??b?]0;title?");
  assert.equal(peerText("a\u202eb\u2028c\u200bd"), "a?b?c?d");
  assert.equal(peerText("\ud800"), "\ufffd");
});

Deno.test("a long text is cut to 500 characters", () => {
  assert.equal(peerText("x".repeat(500)), "x".repeat(500));
  assert.equal(peerText("x".repeat(501)), `${"x".repeat(499)}…`);
});
