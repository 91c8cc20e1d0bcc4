import assert from "node:assert/strict";
import protobuf from "protobufjs";
import { MessageType } from "../../src/grpc/message_types.ts";

const ROOT = new protobuf.Root();
for (const name of ["timestamp", "duration", "struct", "wrappers", "any", "field_mask"]) {
  ROOT.addJSON(protobuf.common.get(`google/protobuf/${name}.proto`)!.nested!);
}
protobuf.parse(
  `
  syntax = "proto3";
  package shop;
  enum Kind { UNKNOWN = 0; BOOK = 1; LAMP = 2; }
  message All {
    int32 small = 1; uint32 count = 2; sint64 big = 3; fixed64 huge = 4;
    float ratio = 5; double price = 6; bool is_new = 7; string item_name = 8; bytes picture = 9;
    Kind kind = 10; All inner = 11; repeated All parts = 12; map<string, int32> counts = 13;
    map<int64, Kind> kinds = 14; optional int32 stock = 15; repeated int32 list = 16;
    oneof by { string title = 17; int32 number = 18; }
    google.protobuf.Timestamp made_at = 20; google.protobuf.Duration lasts = 21;
    google.protobuf.Struct extra = 22; google.protobuf.Value any_value = 23;
    google.protobuf.Int64Value maybe = 24; google.protobuf.Any what = 25;
    google.protobuf.FieldMask mask = 26; google.protobuf.StringValue text = 27;
    google.protobuf.BytesValue blob = 28;
  }
  `,
  ROOT,
);
protobuf.parse(
  `
  syntax = "proto2";
  package old;
  message Order { required int32 id = 1; optional string note = 2 [default = "none"]; }
  `,
  ROOT,
);
ROOT.resolveAll();
const CODECS = new Map();
const ALL = new MessageType(ROOT.lookupType("shop.All"), CODECS);
const INT32 = "expected a whole number from -2147483648 to 2147483647 (int32)";

function roundTrip(value: unknown): Record<string, unknown> {
  return ALL.decode(ALL.encode(value));
}

function refusal(value: unknown, type = ALL): string {
  try {
    type.encode(value);
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    return error.message;
  }
  throw new Error("it was encoded");
}

Deno.test("an empty message has the default values of all fields without presence", () => {
  assert.deepEqual(roundTrip({}), {
    small: 0,
    count: 0,
    big: "0",
    huge: "0",
    ratio: 0,
    price: 0,
    isNew: false,
    itemName: "",
    picture: new Uint8Array(),
    kind: "UNKNOWN",
    parts: [],
    counts: {},
    kinds: {},
    list: [],
  });
});

Deno.test("values of all kinds come back in the form of protobuf's JSON", () => {
  const value = {
    small: -2147483648,
    count: 4294967295,
    big: "-9223372036854775808",
    huge: "18446744073709551615",
    ratio: 0.5,
    price: -0.1,
    isNew: true,
    itemName: "lamp ü",
    picture: new Uint8Array([0, 255]),
    kind: "LAMP",
    counts: { sold: 3 },
    kinds: { "-9007199254740993": "BOOK" },
    stock: 0,
    list: [1, -1],
    title: "",
    madeAt: "2023-11-14T22:13:20Z",
    lasts: "1.500s",
    extra: { a: [1, "b", null, { c: true }] },
    anyValue: "x",
    maybe: "9007199254740993",
    mask: "a,bC",
    text: "",
    blob: new Uint8Array([1]),
  };
  const whole = roundTrip({ ...value, inner: value, parts: [value, {}] });
  const { inner, parts, ...rest } = whole;
  assert.deepEqual(rest, value);
  assert.deepEqual(inner, { ...value, parts: [] });
  assert.deepEqual(parts, [{ ...value, parts: [] }, roundTrip({})]);
});

Deno.test("values can be given as what JavaScript has for them", () => {
  const given = roundTrip({
    big: 12n,
    huge: 12,
    count: "7",
    item_name: "by the name in the file",
    picture: "AP8=",
    kind: 2,
    madeAt: new Date(1_700_000_000_000),
    counts: new Map([["a", 1]]),
    maybe: 5n,
    inner: null,
    title: undefined,
    blob: "AQ==",
  });
  assert.deepEqual(given, {
    ...roundTrip({}),
    big: "12",
    huge: "12",
    count: 7,
    itemName: "by the name in the file",
    picture: new Uint8Array([0, 255]),
    kind: "LAMP",
    madeAt: "2023-11-14T22:13:20Z",
    counts: { a: 1 },
    maybe: "5",
    blob: new Uint8Array([1]),
  });
  const { madeAt } = roundTrip({ madeAt: { seconds: 1, nanos: 5e8 } });
  assert.equal(madeAt, "1970-01-01T00:00:01.500Z");
});

Deno.test("an Any is the message in it, and stays as it is if its type is not known", () => {
  const what = { "@type": "type.googleapis.com/old.Order", id: 3 };
  assert.deepEqual(roundTrip({ what }).what, what);
  const unknown = { typeUrl: "type.googleapis.com/other.Thing", value: new Uint8Array([8, 1]) };
  assert.deepEqual(roundTrip({ what: unknown }).what, unknown);
});

Deno.test("fields of proto2 that were not set are missing, and required ones must be there", () => {
  const order = new MessageType(ROOT.lookupType("old.Order"), CODECS);
  assert.deepEqual(order.decode(order.encode({ id: 1 })), { id: 1 });
  assert.equal(refusal({}, order), "a message old.Order: the required field id is missing");
});

Deno.test("what does not fit is named with its place, its value and what is accepted", () => {
  const of = (place: string, text: string): string => `${place} of a message shop.All: ${text}`;
  const cases: readonly (readonly [value: unknown, message: string])[] = [
    [7, "a message shop.All: 7, expected an object"],
    [[], "a message shop.All: [], expected an object"],
    [{ smal: 1 }, 'a message shop.All: the field "smal" is unknown; did you mean small?'],
    [{ small: 1.5 }, of("small", `1.5, ${INT32}`)],
    [{ small: "x" }, of("small", `'x', ${INT32}`)],
    [{ count: -1 }, of("count", "-1, expected a whole number from 0 to 4294967295 (uint32)")],
    [{ isNew: 1 }, of("isNew", "1, expected true or false")],
    [{ itemName: 1 }, of("itemName", "1, expected a string")],
    [{ price: "1" }, of("price", "'1', expected a number")],
    [{ picture: 1 }, of("picture", "1, expected a Uint8Array or base64")],
    [{ kind: "LAMPE" }, of("kind", "'LAMPE', did you mean LAMP?")],
    [{ kind: true }, of("kind", "true, expected UNKNOWN, BOOK, LAMP")],
    [{ list: 1 }, of("list", "1, expected a list")],
    [{ parts: [{}, { inner: { list: [1, "a"] } }] }, of("parts[1].inner.list[1]", `'a', ${INT32}`)],
    [{ counts: 1 }, of("counts", "1, expected an object")],
    [{ counts: { a: true } }, of("counts.a", `true, ${INT32}`)],
    [{ kinds: { a: 1 } }, of("kinds", "the key 'a', expected int64")],
    [
      { title: "a", number: 1 },
      "a message shop.All: title and number are both set, expected one of them",
    ],
  ];
  for (const [value, message] of cases) assert.equal(refusal(value), message);
  assert.match(refusal({ big: 2 ** 60 }), /; write it as a string or a bigint/);
  assert.match(
    refusal({ maybe: "x" }),
    /^maybe of a message shop\.All: 'x', expected .*\(int64\)$/,
  );
  assert.match(
    refusal({ madeAt: "today" }),
    /^madeAt of a message shop\.All: 'today': .*timestamp/,
  );
  const ring: Record<string, unknown> = {};
  ring.inner = ring;
  assert.equal(refusal(ring), "a message shop.All: it is too deep, or contains itself");
  // "await" is missing.
  assert.match(refusal(Promise.resolve({})), /Promise.*, expected an object/);
  assert.match(refusal({ lasts: 5 }), /^lasts of a message shop\.All: 5: .*duration/);
});

Deno.test("bytes that are no message are refused", () => {
  assert.throws(() => ALL.decode(new Uint8Array([0x0a])));
  assert.throws(() => ALL.decode(new Uint8Array([0x42, 0x05, 0x41])));
});
