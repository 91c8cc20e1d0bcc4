import fc from "fast-check";
import assert from "node:assert/strict";
import { ChunkedBody } from "../../src/http/response_parser.ts";
import { bytesOf, textOf } from "./parser_outcome.ts";

const quoted = fc.stringMatching(/^[\t -~]*$/).map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`);
const token = fc.stringMatching(/^[a-z]+$/);
const extension = fc.oneof(token, fc.tuple(token, fc.oneof(token, quoted)).map((p) => p.join("=")));

/** A chunk's data, what its size is written like, and its extensions. */
const chunk = fc.record({
  data: fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }),
  zeros: fc.constantFrom("", "0", "000000"),
  upper: fc.boolean(),
  extensions: fc.array(extension, { maxLength: 3 }),
});

Deno.test("data comes out of chunks as it was put in, and what stands behind them is left alone", () => {
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 8 }),
      fc.array(extension, { maxLength: 2 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (chunks, lastExtensions, cuts) => {
        const body = chunks.map(({ data }) => data).join("");
        const last = ["0", ...lastExtensions].join(";");
        const wire = chunks.map(({ data, zeros, upper, extensions }) => {
          const size = zeros + data.length.toString(16);
          const line = [upper ? size.toUpperCase() : size, ...extensions].join(";");
          return `${line}\r\n${data}\r\n`;
        }).join("") + `${last}\r\n`;
        const bytes = bytesOf(`${wire}behind`);
        const decoder = new ChunkedBody(body.length);
        decoder.begin();
        let decoded = "";
        let from = 0;
        for (const to of [...cuts.map((cut) => cut % wire.length), bytes.length].sort(ascending)) {
          const over = decoder.decode(bytes, from, to);
          decoded += textOf(bytes.subarray(decoder.dataStart, decoder.dataEnd));
          assert.equal(over, to === bytes.length);
          from = decoder.at;
        }
        assert.equal(decoded, body);
        assert.equal(decoder.length, body.length);
        assert.equal(textOf(bytes.subarray(from)), "behind");
      },
    ),
  );
});

function ascending(a: number, b: number): number {
  return a - b;
}

Deno.test("nothing of a body that was cut off is left for the next one", () => {
  const decoder = new ChunkedBody(1000);
  for (const cut of ["3", "3;a", "3\r", "3\r\n", "3\r\nab", "3\r\nabc\r", "0\r\n"]) {
    decoder.begin();
    decoder.decode(bytesOf(cut), 0, cut.length);
    decoder.begin();
    const whole = bytesOf("2\r\nxy\r\n0\r\n");
    assert.equal(decoder.decode(whole, 0, whole.length), true);
    assert.equal(textOf(whole.subarray(decoder.dataStart, decoder.dataEnd)), "xy");
    assert.equal(decoder.length, 2);
  }
});
