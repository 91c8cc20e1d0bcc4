/**
 * What a test file has to offer: its user classes, and the tests of each.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import { type TestOrder, User, type UserClass } from "./user.ts";

/** A user class that counts, with its tests in the order in which they run. */
export interface DiscoveredClass {
  /** The class's name; an anonymous class has that of its export. */
  readonly name: string;
  readonly userClass: UserClass;
  readonly tests: readonly TestMethod[];
}

/** One test of a user class. */
export interface TestMethod {
  readonly name: string;
  /** The test itself, to be called on the user that runs it. */
  readonly run: (this: User) => unknown;
  /** How often it is chosen under `static order = "random"`, beside the others: 1 or more. */
  readonly weight: number;
  readonly tags: readonly string[];
}

/** Makes a user that never runs, to see which tests are fields of it. */
export type UserProbe = (userClass: UserClass) => User;

/**
 * The user classes among a test file's exports: those that extend {@link User}, are named like a test,
 * and have a weight or a fixed count. Each has at least one test.
 *
 * @param exports what the test file exports, by name.
 * @throws UsageError where there is no such class, or one of them cannot be run as it is.
 */
export function discover(
  exports: Readonly<Record<string, unknown>>,
  probe: UserProbe,
): DiscoveredClass[] {
  const classes = namedClasses(exports);
  for (const [userClass, name] of classes) checkClassSettings(name, userClass);
  const counted = [...classes].filter(([{ weight, fixedCount }]) => weight > 0 || fixedCount > 0);
  if (counted.length === 0) {
    throw new UsageError(
      `Every user class has the weight 0: ${[...classes.values()].join(", ")}`,
      "Give at least one of them a weight of 1 or more.",
    );
  }
  return counted.map(([userClass, name]) => ({
    name,
    userClass,
    tests: testsOf(name, userClass, probe),
  }));
}

/** Whether a name marks what bears it as a test or a class of tests: `TestShop`, `payTest`. */
export function isTestName(name: string): boolean {
  return /^test|test$/i.test(name);
}

/** The name of an exported class; an anonymous one has that of its export. */
export function exportedClassName(
  exported: { readonly name: string },
  exportName: string,
): string {
  return exported.name === "" || exported.name === "default" ? exportName : exported.name;
}

function namedClasses(exports: Readonly<Record<string, unknown>>): Map<UserClass, string> {
  const classes = new Map<UserClass, string>();
  const passedOver: string[] = [];
  for (const [exportName, value] of Object.entries(exports)) {
    if (!isUserClass(value)) {
      passedOver.push(`${exportName}: ${describe(value)}`);
      continue;
    }
    const name = exportedClassName(value, exportName);
    if (!isTestName(name)) passedOver.push(`${exportName}: ${describeMisnamed(value, exportName)}`);
    else if (!classes.has(value)) classes.set(value, name);
  }
  if (classes.size === 0) throw noUserClass(passedOver);
  checkNamesDiffer([...classes.values()]);
  return classes;
}

function isUserClass(value: unknown): value is UserClass {
  return typeof value === "function" && value.prototype instanceof User;
}

function noUserClass(passedOver: readonly string[]): UsageError {
  const found = passedOver.length === 0
    ? "it exports nothing"
    : `what it exports does not count\n${passedOver.map((line) => `  ${line}`).join("\n")}`;
  return new UsageError(
    `The test file has no user class: ${found}`,
    "Export a class that extends User, HttpUser or FastHttpUser, with a name that starts or ends with Test.",
  );
}

/** Reports count by the class's name, so two classes of one name would be mixed up. */
function checkNamesDiffer(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new UsageError(
    `Two user classes have the same name: ${twice}`,
    "Rename one of them: reports tell them apart by their names.",
  );
}

function describeMisnamed(userClass: UserClass, exportName: string): string {
  const parent = Object.getPrototypeOf(userClass).name;
  const name = exportedClassName(userClass, exportName);
  const its = name === exportName ? "its name" : `its name, ${name},`;
  return `extends ${parent}, but ${its} neither starts nor ends with Test`;
}

function describe(value: unknown): string {
  if (value === User) return "the class User itself";
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value))) {
    return "a class, but it does not extend User";
  }
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Inherited methods first, then the class's own, then the fields that hold functions. */
function testsOf(className: string, userClass: UserClass, probe: UserProbe): TestMethod[] {
  checkStatics(className, userClass);
  const runs = new Map<string, TestMethod["run"]>();
  for (const prototype of prototypesOf(userClass)) {
    for (const [name, { value, get, set }] of testProperties(prototype)) {
      if (get !== undefined || set !== undefined) throw notAFunction(className, name, "a getter");
      if (typeof value !== "function") throw notAFunction(className, name, describe(value));
      // An override keeps the place of what it overrides: a Map keeps the order of first setting.
      runs.set(name, value);
    }
  }
  for (const name of fieldTests(className, userClass, probe)) {
    // Each user has a function of its own, so it is looked up on the user that runs the test.
    runs.set(name, function (this: User): unknown {
      return (Reflect.get(this, name) as TestMethod["run"]).call(this);
    });
  }
  if (runs.size === 0) {
    throw new UsageError(
      `${className} has no tests`,
      "A test is a method whose name starts or ends with test, like async testSearch() {}.",
    );
  }
  return [...runs].map(([name, run]) => ({ name, run, weight: weightOf(run), tags: tagsOf(run) }));
}

/** From the class that extends User itself, down to the class. */
function prototypesOf(userClass: UserClass): object[] {
  const chain: object[] = [];
  for (
    let at: object = userClass.prototype;
    at !== User.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    chain.unshift(at);
  }
  return chain;
}

function testProperties(holder: object): [string, PropertyDescriptor][] {
  return Object.entries(Object.getOwnPropertyDescriptors(holder)).filter(([name]) =>
    isTestName(name)
  );
}

function fieldTests(className: string, userClass: UserClass, probe: UserProbe): string[] {
  const user = makeProbe(className, userClass, probe);
  const properties = testProperties(user);
  user[Symbol.dispose]();
  for (const [name, { value }] of properties) {
    if (typeof value !== "function") throw notAFunction(className, name, describe(value));
  }
  return properties.map(([name]) => name);
}

function makeProbe(className: string, userClass: UserClass, probe: UserProbe): User {
  try {
    return probe(userClass);
  } catch (error) {
    throw new UsageError(
      `${className} cannot be made: its constructor threw ${errorText(error)}`,
      "What may fail belongs into onStart, which is tried again.",
      error,
    );
  }
}

/** No user would ever run a static test, and nobody would notice. */
function checkStatics(className: string, userClass: UserClass): void {
  for (let at: object = userClass; at !== User; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of testProperties(at)) {
      if (typeof value !== "function") throw notAFunction(className, name, "a static value");
      throw new UsageError(
        `${className}.${name} is static, so no user can run it`,
        "Make it a method, or give it a name that neither starts nor ends with test.",
      );
    }
  }
}

function notAFunction(className: string, member: string, what: string): UsageError {
  return new UsageError(
    `${className}.${member} is a test that is not a function: it is ${what}`,
    "Rename it: names that start or end with test are for tests.",
  );
}

/** Decorates a test method. */
export type TestDecorator = (
  test: (...args: never[]) => unknown,
  context: ClassMethodDecoratorContext,
) => void;

type Decorated = (...args: never[]) => unknown;

// On the method itself, so that a class which inherits it, and a second run, see the same.
const WEIGHT = Symbol("aiotest.weight");

const TAGS = Symbol("aiotest.tags");

interface Marked extends Decorated {
  [WEIGHT]?: number;
  [TAGS]?: readonly string[];
}

/**
 * How often a test is chosen under `static order = "random"`, beside the others; 1 where none is given.
 *
 * @throws RangeError where `share` is not a whole number of 1 or more.
 */
export function weight(share: number): TestDecorator {
  if (!Number.isInteger(share) || share < 1) {
    throw new RangeError(`@weight(${share}): a whole number of 1 or more is needed`);
  }
  return (test) => {
    (test as Marked)[WEIGHT] = share;
  };
}

/** Names by which `--tags` and `--exclude-tags` choose tests. */
export function tag(...names: string[]): TestDecorator {
  return (test) => {
    (test as Marked)[TAGS] = [...tagsOf(test), ...names];
  };
}

/** The weight of a test method. */
export function weightOf(test: Decorated): number {
  return (test as Marked)[WEIGHT] ?? 1;
}

/** The tags of a test method. */
export function tagsOf(test: Decorated): readonly string[] {
  return (test as Marked)[TAGS] ?? [];
}

const ORDERS: readonly TestOrder[] = ["sequential", "random", "parallel"];

/**
 * Checks the statics that every user class has.
 *
 * @param name the class's name, for messages.
 * @throws UsageError that names the class, the static, its value and what is accepted.
 */
export function checkClassSettings(name: string, userClass: UserClass): void {
  const check = (setting: keyof UserClass, isGood: (value: unknown) => boolean, needs: string) => {
    const value: unknown = userClass[setting];
    if (isGood(value)) return;
    throw new UsageError(`${name}.${setting} is ${show(value)}: ${needs} is needed`);
  };
  check("weight", isCount, "a whole number of 0 or more");
  check("fixedCount", isCount, "a whole number of 1 or more, or 0 for none,");
  check("iterations", isCount, "a whole number of 1 or more, or 0 for no end,");
  check("waitTime", isWaitTime, "a number of seconds, 0 or more, or a function");
  check("order", (value) => ORDERS.some((order) => order === value), `one of ${orderNames()}`);
  check("host", (value) => typeof value === "string", 'a text, like "http://127.0.0.1:8000",');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isWaitTime(value: unknown): boolean {
  return typeof value === "function" || (Number.isFinite(value) && (value as number) >= 0);
}

function orderNames(): string {
  return ORDERS.map((order) => `"${order}"`).join(", ");
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

const NEEDED = "a URL that starts with http:// or https:// is needed";

/**
 * Checks that classes which speak HTTP have a host that relative URLs can be joined to. A class may
 * also have none: then its tests name whole URLs.
 *
 * @param host `--host`, which replaces that of every class; null where it was not given.
 * @param speaksHttp tells the classes whose host must be a URL; to others it may mean anything.
 * @throws UsageError that names the class, the host and what is accepted.
 */
export function checkHosts(
  classes: readonly DiscoveredClass[],
  host: string | null,
  speaksHttp: (userClass: UserClass) => boolean,
): void {
  for (const { name, userClass } of classes) {
    const target = host ?? userClass.host;
    if (!speaksHttp(userClass) || target === "" || isHttpUrl(target)) continue;
    throw new UsageError(
      host === null
        ? `${name}.host is ${JSON.stringify(target)}: ${NEEDED}`
        : `--host ${target}: ${NEEDED}, because ${name} speaks HTTP`,
    );
  }
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** Which tests run, by their tags. */
export interface TagChoice {
  /** A test needs at least one of these; empty: every test will do. */
  readonly tags: readonly string[];
  /** A test must have none of these. */
  readonly excludeTags: readonly string[];
}

/**
 * The classes with those of their tests that are chosen; a class that is left without tests is left
 * out as well.
 *
 * @throws UsageError where no test is left, naming the tags that there are.
 */
export function selectTests(
  classes: readonly DiscoveredClass[],
  choice: TagChoice,
): readonly DiscoveredClass[] {
  const { tags, excludeTags } = choice;
  const isChosen = (test: TestMethod): boolean =>
    (tags.length === 0 || tags.some((tag) => test.tags.includes(tag))) &&
    !excludeTags.some((tag) => test.tags.includes(tag));
  const selected = classes
    .map((one) => ({ ...one, tests: one.tests.filter(isChosen) }))
    .filter(({ tests }) => tests.length > 0);
  if (selected.length > 0) return selected;
  throw new UsageError(`${describeChoice(choice)}: no test is left to run`, describeTags(classes));
}

function describeChoice({ tags, excludeTags }: TagChoice): string {
  return [
    tags.length > 0 ? `--tags ${tags.join(",")}` : "",
    excludeTags.length > 0 ? `--exclude-tags ${excludeTags.join(",")}` : "",
  ].filter((part) => part !== "").join(" and ");
}

function describeTags(classes: readonly DiscoveredClass[]): string {
  const tags = new Set(classes.flatMap(({ tests }) => tests.flatMap((test) => test.tags)));
  return tags.size === 0
    ? "No test of the test file has a tag."
    : `The tags of the test file: ${[...tags].sort().join(", ")}.`;
}
