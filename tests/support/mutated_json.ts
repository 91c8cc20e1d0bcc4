import type { Below } from "./mutations.ts";

/** What a part of a document is replaced by. */
const OTHERS: readonly unknown[] = [
  null,
  true,
  -1,
  1e308,
  "",
  "x",
  "{{x}}",
  "#/nowhere",
  "__proto__",
  [],
  [null],
  {},
  { $ref: "#/info" },
  { $ref: "#/components/schemas/none" },
  { type: "object", properties: null },
  ["\u2028`${1}*/"],
];

/** A copy of a document in which one to three parts are missing, of another type, or elsewhere. */
export function mutatedJson(document: unknown, below: Below): unknown {
  const copy = { root: structuredClone(document) };
  for (let left = 1 + below(3); left > 0; left--) {
    const places: [parent: Record<string, unknown>, key: string][] = [];
    const visit = (part: unknown): void => {
      if (typeof part !== "object" || part === null) return;
      for (const [key, value] of Object.entries(part)) {
        places.push([part as Record<string, unknown>, key]);
        visit(value);
      }
    };
    visit(copy);
    if (places.length === 0) break;
    const [parent, key] = places[below(places.length)]!;
    const [other, otherKey] = places[below(places.length)]!;
    switch (below(4)) {
      case 0:
        delete parent[key];
        break;
      case 1:
        parent[key] = structuredClone(other[otherKey]);
        break;
      case 2:
        parent[["$ref", "type", "__proto__", "required", "allOf"][below(5)]!] = parent[key];
        break;
      default:
        parent[key] = structuredClone(OTHERS[below(OTHERS.length)]);
    }
  }
  return copy.root;
}
