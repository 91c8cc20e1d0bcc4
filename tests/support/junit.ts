import assert from "node:assert/strict";
import { SaxesParser } from "saxes";

/** An element of an XML document. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  /** Of itself alone. */
  readonly text: string;
}

/** The outermost element of a document; throws if the document is not well-formed. */
export function parseXml(text: string): Element {
  const parser = new SaxesParser();
  const top = { name: "", attributes: {}, children: [] as Element[], text: "" };
  const open = [top];
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name, attributes: { ...attributes }, children: [] as Element[], text: "" };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on("text", (text) => void (open.at(-1)!.text += text));
  parser.on("closetag", () => void open.pop());
  parser.on("error", (error) => {
    throw error;
  });
  parser.write(text).close();
  return top.children[0]!;
}

/** All elements of a name, in a document's order, whatever lies between. */
export function elementsOf(element: Element, name: string): Element[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...elementsOf(child, name),
  ]);
}

interface Rule {
  /** Required and optional attributes. */
  readonly required: readonly string[];
  readonly optional: readonly string[];
  /** Children in their order. */
  readonly children: readonly string[];
}

/** The common subset of the schemas of Jenkins and Ant, and the output of single tests in Jenkins. */
const RULES: Readonly<Record<string, Rule>> = {
  testsuites: {
    required: ["tests", "failures", "errors", "time"],
    optional: ["name", "disabled"],
    children: ["testsuite"],
  },
  testsuite: {
    required: ["name", "tests", "failures", "errors", "time"],
    optional: ["timestamp", "hostname", "skipped", "id", "package"],
    children: ["properties", "testcase", "system-out", "system-err"],
  },
  properties: { required: [], optional: [], children: ["property"] },
  property: { required: ["name", "value"], optional: [], children: [] },
  testcase: {
    required: ["name", "classname", "time"],
    optional: [],
    children: ["skipped", "error", "failure", "system-out", "system-err"],
  },
  failure: { required: ["message", "type"], optional: [], children: [] },
  error: { required: ["message", "type"], optional: [], children: [] },
  skipped: { required: [], optional: ["message"], children: [] },
  "system-out": { required: [], optional: [], children: [] },
};

/** Checks a JUnit report against the schemas of CI systems, and its counts against its tests. */
export function checkJunit(root: Element): void {
  assert.equal(root.name, "testsuites");
  checkElement(root);
  for (const suite of [root, ...elementsOf(root, "testsuite")]) checkNumbers(suite);
  const names = elementsOf(root, "testcase").map(({ attributes }) =>
    `${attributes.classname} ${attributes.name}`
  );
  assert.equal(new Set(names).size, names.length, "each test has a name of its own");
}

function checkElement({ name, attributes, children }: Element): void {
  const rule = RULES[name];
  assert.ok(rule !== undefined, `there is no <${name}> in JUnit reports`);
  for (const key of rule.required) assert.ok(key in attributes, `<${name}> lacks ${key}`);
  for (const key of Object.keys(attributes)) {
    assert.ok([...rule.required, ...rule.optional].includes(key), `<${name}> has ${key}`);
  }
  const places = children.map((child) => rule.children.indexOf(child.name));
  assert.ok(!places.includes(-1), `<${name}> has a child that it must not have`);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
    `children of <${name}> in their order`,
  );
  for (const child of children) checkElement(child);
}

function checkNumbers(element: Element): void {
  const { attributes } = element;
  const count = (name: string): string => String(elementsOf(element, name).length);
  assert.equal(attributes.tests, count("testcase"));
  assert.equal(attributes.failures, count("failure"));
  assert.equal(attributes.errors, count("error"));
  for (const { attributes: { time } } of [element, ...elementsOf(element, "testcase")]) {
    assert.match(time!, /^\d+\.\d{3}$/);
  }
  if (attributes.timestamp !== undefined) {
    assert.match(attributes.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  }
}
