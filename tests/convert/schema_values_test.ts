import { Ajv2020 } from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import type { Json } from "../../src/convert/document.ts";
import { SchemaValues } from "../../src/convert/schema_values.ts";

const COMPONENTS: Json = {
  schemas: {
    Tree: {
      type: "object",
      required: ["value", "children"],
      properties: {
        value: { type: "string" },
        children: { type: "array", items: { $ref: "#/components/schemas/Tree" } },
        parent: { $ref: "#/components/schemas/Tree" },
      },
    },
    Endless: {
      type: "object",
      required: ["inner"],
      properties: { inner: { $ref: "#/components/schemas/Endless" } },
    },
    Loop: { allOf: [{ $ref: "#/components/schemas/Loop" }] },
    Animal: {
      type: "object",
      required: ["kind"],
      discriminator: { propertyName: "kind" },
      properties: { kind: { type: "string" } },
    },
    Cat: {
      allOf: [
        { $ref: "#/components/schemas/Animal" },
        { type: "object", required: ["claws"], properties: { claws: { type: "boolean" } } },
      ],
    },
  },
};

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const VALUES = new SchemaValues({
  resolve(part): Json {
    let found = part as Json;
    while (typeof found?.$ref === "string") {
      const name = found.$ref.split("/").at(-1)!;
      found = (COMPONENTS.schemas as Record<string, Json>)[name]!;
    }
    return found;
  },
});

/** Schemas, and the value of each. */
const TABLE: readonly (readonly [schema: unknown, value: unknown])[] = [
  [{ type: "string", pattern: "^[A-Z]{3}-\\d{4}$" }, "ABC-4567"],
  [{ type: "string", pattern: "^\\d+$", example: "no digits" }, "0"],
  [{ type: "string", minLength: 10, maxLength: 12 }, "thing thin"],
  [{ type: "string", maxLength: 2 }, "th"],
  [{ type: "string", format: "uuid" }, "7d0f4c2e-1b7a-4c53-9f2e-5a1c3b8d9e00"],
  [{ type: "string", format: "date-time" }, "2026-01-10T12:00:00Z"],
  [{ type: "string", example: 17 }, "17"],
  [{ type: "string", example: "a", default: "b", enum: ["c", "a", "b"] }, "a"],
  [{ type: "string", default: "b", enum: ["c", "b"] }, "b"],
  [{ type: "string", enum: ["c", "b"] }, "c"],
  [{ type: "integer", minimum: 5, multipleOf: 7 }, 7],
  [{ type: "integer", maximum: -5 }, -5],
  [{ type: "integer", exclusiveMinimum: 3 }, 4],
  [{ type: "integer", minimum: 0, maximum: 0 }, 0],
  [{ type: "number", exclusiveMinimum: 0, maximum: 1 }, 0.5],
  [{ type: "boolean" }, true],
  [{ const: 5 }, 5],
  [{ enum: [null, "b"] }, "b"],
  [{ type: ["null", "string"], format: "email" }, "user@example.com"],
  [{ anyOf: [{ type: "null" }, { type: "integer" }] }, 1],
  [{ type: "array", items: { type: "integer" }, minItems: 3, uniqueItems: true }, [1, 2, 3]],
  [{ type: "array", items: { enum: ["a", "b"] }, uniqueItems: true, minItems: 2 }, ["a", "b"]],
  [{ type: "array", prefixItems: [{ type: "string" }, { type: "integer" }], items: false }, [
    "thing",
    1,
  ]],
  [{ type: "object", additionalProperties: { type: "integer" }, minProperties: 2 }, {
    key1: 1,
    key2: 1,
  }],
  [{ type: "object", required: ["q"], additionalProperties: { type: "string" } }, { q: "q" }],
  [{
    type: "object",
    required: ["a"],
    properties: {
      a: { type: "string" },
      optional: { type: "string" },
      shown: { type: "string", example: "x" },
      old: { type: "string", example: "y", deprecated: true },
    },
  }, { a: "a", shown: "x" }],
  [{ type: "object", properties: { a: { type: "string" }, b: { type: "integer" } } }, {
    a: "a",
    b: 1,
  }],
  [{
    allOf: [
      { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
      { properties: { a: { maxLength: 1 }, b: { type: "integer" } }, required: ["b"] },
    ],
  }, { a: "a", b: 1 }],
  [{
    type: "object",
    properties: { z: { type: "string" } },
    oneOf: [{ properties: { k: { const: "x" } }, required: ["k"] }],
  }, { k: "x" }],
  [ref("Tree"), { value: "value", children: [] }],
  [{ type: "object", properties: { tree: ref("Endless") } }, {}],
  [ref("Cat"), { kind: "Cat", claws: true }],
  [{
    oneOf: [ref("Cat")],
    discriminator: { propertyName: "kind", mapping: { kitty: "#/components/schemas/Cat" } },
  }, { kind: "kitty", claws: true }],
  [{}, {}],
  [true, {}],
];

Deno.test("values are valid, short, and say what they are for", () => {
  const ajv = new Ajv2020({ strict: false });
  ajv.addFormat("uuid", true).addFormat("date-time", true).addFormat("email", true);
  for (const [schema, expected] of TABLE) {
    const text = JSON.stringify(schema);
    assert.deepEqual(VALUES.valueOf(schema, "thing"), expected, text);
    const whole = typeof schema === "object" ? { ...schema, components: COMPONENTS } : schema;
    assert.ok(ajv.validate(whole as Json, expected), `${text}: ${ajv.errorsText()}`);
  }
});

Deno.test("what only the server sends is left out, also of examples", () => {
  const schema = {
    type: "object",
    required: ["id", "name"],
    properties: {
      id: { type: "integer", readOnly: true },
      name: { type: "string" },
      parts: { type: "array", items: { properties: { id: { readOnly: true }, n: {} } } },
    },
  };
  assert.deepEqual(VALUES.valueOf(schema), { name: "name" });
  assert.deepEqual(
    VALUES.valueOf({ ...schema, example: { id: 1, name: "Ann", parts: [{ id: 2, n: 3 }] } }),
    { name: "Ann", parts: [{ n: 3 }] },
  );
});

Deno.test("a schema that needs itself has no value, and ends", () => {
  assert.equal(VALUES.valueOf(ref("Endless")), null);
  assert.deepEqual(VALUES.valueOf(ref("Loop")), {});
});

Deno.test("a schema with very many parts has a value soon", () => {
  let schema: Json = { type: "string" };
  for (let level = 0; level < 30; level++) {
    schema = { type: "object", required: ["a", "b"], properties: { a: schema, b: schema } };
  }
  assert.equal(VALUES.valueOf(schema), null);
});
