/**
 * Finds the user classes of a test file and their tests, checks them, and selects tests by tags.
 *
 * @module
 */

import { errorText, UsageError } from "../core/errors.ts";
import { MAX_USERS } from "../core/run_info.ts";
import { nearestWord } from "../core/spelling.ts";
import { listed, shown } from "../core/text.ts";
import { curveProblem } from "../load/curve.ts";
import { stageWarnings } from "../load/stages.ts";
import { LoadUserShape } from "../load/load_user_shape.ts";
import { TEST_ORDERS } from "../stats/unstarted_tests.ts";
import { misspelledMembers } from "./misspellings.ts";
import { checkFields, type FieldCheck, User, type UserClass } from "./user.ts";

/** A user class of a test file. */
export interface DiscoveredClass {
  /** The name of the class; for an anonymous class, the name of its export. */
  readonly name: string;
  readonly userClass: UserClass;
  /** In the order in which they run. */
  readonly tests: readonly TestMethod[];
  /** How its users run once, one after another; missing if they run as their class says. */
  readonly pass?: OnePass;
}

/** How a user runs its tests. Classes say it in static fields of these names. */
export interface Pacing {
  /** With `"each"`, each iteration runs the next test. */
  readonly order: UserClass["order"] | "each";
  readonly waitTime: UserClass["waitTime"];
  readonly iterations: UserClass["iterations"];
}

/** How a user runs once. */
export interface OnePass extends Pacing {
  /** The longest that its `sleep` takes, in seconds. */
  readonly maxSleep: number;
  /** Calls a function when the user may begin. The next one may begin when the returned function was called. */
  enter(begin: () => void): () => void;
}

/** One test of a user class. */
export interface TestMethod {
  readonly name: string;
  /** Its number among the tests of all classes, from 0. */
  readonly id: number;
  /** Runs the test; called on a user. */
  readonly run: (this: User) => unknown;
  /** The share of this test with `static order = "random"`: 1 or more. */
  readonly weight: number;
  readonly tags: readonly string[];
}

/** Creates a user that never runs, to find the tests that are fields. */
export type UserProbe = (userClass: UserClass) => User;

/** Gets a sentence about what is probably a mistake. */
export type Warn = (text: string) => void;

/**
 * Finds the user classes among the exports of a test file: those that extend {@link User}, have a name that
 * starts or ends with Test, and have a weight or a fixed count. Each has at least one test.
 *
 * @param exports the exports of the test file by name.
 * @param warn gets what is probably misspelled.
 * @throws UsageError if there is no user class, or if one of them is invalid.
 */
export function discover(
  exports: Readonly<Record<string, unknown>>,
  probe: UserProbe,
  warn: Warn,
): DiscoveredClass[] {
  const classes = namedClasses(exports, warn);
  for (const [userClass, name] of classes) checkClassSettings(name, userClass);
  const counted = [...classes].filter(([{ weight, fixedCount }]) => weight > 0 || fixedCount > 0);
  if (counted.length === 0) {
    throw new UsageError(
      `Every user class has the weight 0: ${[...classes.values()].join(", ")}`,
      "Give at least one of them a weight of 1 or more.",
    );
  }
  for (const [userClass, name] of counted) loadWarnings(name, userClass).forEach(warn);
  let id = 0;
  return counted.map(([userClass, name]) => ({
    name,
    userClass,
    tests: testsOf(name, userClass, probe, warn).map((test) => ({ ...test, id: id++ })),
  }));
}

/** Whether a name marks a test: `testSearch`, `test_1`, `searchTest`, `search_test`. */
export function isTestName(name: string): boolean {
  return /^test(?!\p{Ll})|Test$|(?<![\p{Lu}\p{Ll}])test$/u.test(name);
}

/** Whether a name marks a user class or a shape: `TestShop`, `shopTest`, `SHOP_TEST`. */
export function isTestClassName(name: string): boolean {
  return /^[Tt]est(?!\p{Ll})|^TEST(?!\p{L})|Test$|(?<![\p{Lu}\p{Ll}])(?:test|TEST)$/u.test(name);
}

/** Whether a name marked a test or a class in earlier versions. It still does, with a warning. */
export function wasTestName(name: string): boolean {
  return /^test|test$/i.test(name);
}

/** A warning about a class whose name marks it only as earlier versions read names. */
export function oldClassName(name: string): string {
  return `${name} counts as a test class because its name ${
    startsOrEnds(name)
  } with "test". The next ` +
    "version will ignore it: name such a class like TestShop or ShopTest.";
}

function oldTestName(className: string, name: string): string {
  return `${className}.${name} runs as a test because its name ${
    startsOrEnds(name)
  } with "test". The ` +
    "next version will not run it: name a test like testSearch, test_search or searchTest.";
}

function startsOrEnds(name: string): string {
  return /^test/i.test(name) ? "starts" : "ends";
}

/** The name of an exported class; for an anonymous class, the name of its export. */
export function exportedClassName(
  { name }: { readonly name: unknown },
  exportName: string,
): string {
  // A class can have a static field of this name.
  return typeof name !== "string" || name === "" || name === "default" ? exportName : name;
}

function namedClasses(
  exports: Readonly<Record<string, unknown>>,
  warn: Warn,
): Map<UserClass, string> {
  const classes = new Map<UserClass, string>();
  const misnamed: { readonly userClass: UserClass; readonly text: string }[] = [];
  const skipped: string[] = [];
  for (const [exportName, value] of Object.entries(exports)) {
    if (!isUserClass(value)) {
      skipped.push(`${exportName}: ${describe(value)}`);
      continue;
    }
    const name = exportedClassName(value, exportName);
    if (wasTestName(name) || isTestClassName(name)) {
      if (!classes.has(value) && !isTestClassName(name)) warn(oldClassName(name));
      classes.set(value, classes.get(value) ?? name);
      continue;
    }
    const text = describeMisnamed(value, exportName);
    misnamed.push({ userClass: value, text: `${exportName} ${text}` });
    skipped.push(`${exportName}: ${text}`);
  }
  if (classes.size === 0) throw noUserClass(exports, skipped);
  checkNamesDiffer([...classes.values()]);
  for (const { userClass, text } of misnamed) {
    if (!isMeantToRun(userClass, [...classes.keys()])) continue;
    warn(`${text}, so its users do not run.`);
  }
  return classes;
}

/** Whether a class has tests of its own, and is not there to be extended. */
function isMeantToRun(userClass: UserClass, classes: readonly UserClass[]): boolean {
  return testProperties(userClass.prototype).length > 0 &&
    !classes.some(({ prototype }) => prototype instanceof userClass);
}

function isUserClass(value: unknown): value is UserClass {
  return typeof value === "function" && value.prototype instanceof User;
}

function noUserClass(
  exports: Readonly<Record<string, unknown>>,
  skipped: readonly string[],
): UsageError {
  const found = skipped.length === 0
    ? "it exports nothing"
    : `none of its exports is one\n${skipped.map((line) => `  ${line}`).join("\n")}`;
  return new UsageError(
    `The test file has no user class: ${found}`,
    (isPlainFunction(exports.default)
      ? "k6 runs the default function; aiotest runs classes. "
      : "") +
      "Export a class that extends User, HttpUser or FastHttpUser, with a name that starts or ends with Test.",
  );
}

/** Reports identify classes by name, so two classes with the same name would be mixed up. */
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
  if (isClass(value)) return "a class, but it does not extend User";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Whether a value was declared with `class`. */
export function isClass(value: unknown): value is { readonly prototype: object } {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

function isPlainFunction(value: unknown): boolean {
  return typeof value === "function" && !isClass(value);
}

/** Inherited methods first, then the class's own, then fields that hold functions. */
function testsOf(
  className: string,
  userClass: UserClass,
  probe: UserProbe,
  warn: Warn,
): Omit<TestMethod, "id">[] {
  checkStatics(className, userClass);
  const runs = new Map<string, TestMethod["run"]>();
  for (const prototype of prototypesOf(userClass)) {
    for (const [name, { value, get, set }] of testProperties(prototype)) {
      if (typeof value === "function") {
        // An override keeps the position of the overridden test, because a Map keeps the insertion order.
        runs.set(name, value);
      } else if (isTestName(name)) {
        const isAccessor = get !== undefined || set !== undefined;
        throw notAFunction(className, name, isAccessor ? "a getter" : describe(value));
      }
    }
  }
  const user = makeProbe(className, userClass, probe);
  for (const name of fieldTests(className, user)) {
    // Each user has its own function, so it is looked up on the user that runs the test.
    runs.set(name, function (this: User): unknown {
      return (Reflect.get(this, name) as TestMethod["run"]).call(this);
    });
  }
  for (const text of misspelledMembers(className, userClass, user)) warn(text);
  if (runs.size === 0) {
    throw new UsageError(
      `${className} has no tests`,
      "A test is a method whose name starts or ends with test, like async testSearch() {}.",
    );
  }
  for (const name of runs.keys()) if (!isTestName(name)) warn(oldTestName(className, name));
  const weights = new Set([...runs.values()].map(weightOf));
  if (weights.size > 1 && userClass.order !== "random") {
    warn(
      `The weights of ${className}'s tests have no effect, because its order is ` +
        `"${userClass.order}": write static override order = "random".`,
    );
  }
  return [...runs].map(([name, run]) => ({ name, run, weight: weightOf(run), tags: tagsOf(run) }));
}

/** From the class that extends User directly down to the class itself. */
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
    isTestName(name) || wasTestName(name)
  );
}

function fieldTests(className: string, user: User): string[] {
  const properties = testProperties(user);
  try {
    user[Symbol.dispose]();
  } catch {
    // It may release what only onStart creates.
  }
  return properties.flatMap(([name, { value }]) => {
    if (typeof value === "function") return [name];
    if (isTestName(name)) throw notAFunction(className, name, describe(value));
    return [];
  });
}

function makeProbe(className: string, userClass: UserClass, probe: UserProbe): User {
  try {
    return probe(userClass);
  } catch (error) {
    throw new UsageError(
      `${className} cannot be created: its constructor threw ${errorText(error)}`,
      "Move what can fail to onStart, which is retried.",
      error,
    );
  }
}

/** A static test would never run, and the mistake would go unnoticed. */
function checkStatics(className: string, userClass: UserClass): void {
  for (let at: object = userClass; at !== User; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of testProperties(at)) {
      if (!isTestName(name)) continue;
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
    `${className}.${member} is named like a test, but it is ${what}, not a function`,
    "Rename it: names that start or end with test are reserved for tests.",
  );
}

/** A decorator for test methods. */
export type TestDecorator = (
  test: (...args: never[]) => unknown,
  context: ClassMethodDecoratorContext,
) => void;

type Decorated = (...args: never[]) => unknown;

// Stored on the method itself, so that subclasses that inherit it have the same weight and tags.
const WEIGHT = Symbol("aiotest.weight");

const TAGS = Symbol("aiotest.tags");

interface Marked extends Decorated {
  [WEIGHT]?: number;
  [TAGS]?: readonly string[];
}

/**
 * Sets how often a test is chosen, relative to the others, with `static order = "random"`. Tests without
 * this decorator have the weight 1.
 *
 * ```ts
 * import { FastHttpUser, weight } from "aiotest";
 *
 * export class ShopTest extends FastHttpUser {
 *   static override order = "random" as const;
 *
 *   @weight(3)
 *   async testSearch(): Promise<void> {
 *     await this.session.get("/search");
 *   }
 *
 *   async testCheckout(): Promise<void> {
 *     await this.session.post("/checkout");
 *   }
 * }
 * ```
 *
 * @throws RangeError if `share` is not a whole number from 1 to 1,000,000.
 */
export function weight(share: number): TestDecorator {
  if (!isUserCount(share) || share < 1) {
    throw new RangeError(
      `@weight(${shown(share)}): expected a whole number from 1 to ${MOST_USERS}`,
    );
  }
  return (test) => {
    (test as Marked)[WEIGHT] = share;
  };
}

/**
 * Adds tags to a test, by which `--tags` and `--exclude-tags` select it.
 *
 * ```ts
 * import { FastHttpUser, tag } from "aiotest";
 *
 * export class ShopTest extends FastHttpUser {
 *   @tag("checkout", "slow")
 *   async testCheckout(): Promise<void> {
 *     await this.session.post("/checkout");
 *   }
 * }
 * ```
 *
 * @throws TypeError if a name is not a string.
 */
export function tag(...names: string[]): TestDecorator {
  for (const name of names) {
    if (typeof name !== "string") throw new TypeError(`@tag(${shown(name)}): expected strings`);
  }
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

const MOST_USERS = MAX_USERS.toLocaleString("en");

/**
 * Checks the static fields of a user class. A test file in JavaScript or a cast can set them to anything,
 * and the error should appear before the test starts.
 *
 * @param name the name of the class, for messages.
 * @throws UsageError that names the class, the field, its value and what is expected.
 */
export function checkClassSettings(name: string, userClass: UserClass): void {
  const check: FieldCheck = (field, isValid, expected) => {
    const value: unknown = Reflect.get(userClass, field);
    if (isValid(value)) return;
    throw new UsageError(`${name}.${field} is ${show(value)}: expected ${expected}`);
  };
  check("weight", isUserCount, `a whole number from 0 to ${MOST_USERS}`);
  check(
    "fixedCount",
    isUserCount,
    `a whole number from 1 to ${MOST_USERS}, or 0 for a number by weight`,
  );
  check("iterations", isCount, "a whole number of 1 or more, or 0 for no limit");
  check("waitTime", isWaitTime, "a number of seconds, 0 or more, or a function");
  check("order", (value) => TEST_ORDERS.some((order) => order === value), `one of ${orderNames()}`);
  check("host", (value) => typeof value === "string", 'a string like "http://127.0.0.1:8000"');
  checkLoad(name, userClass.load);
  userClass[checkFields](check);
}

/** @throws UsageError if the load of a class is neither a curve nor `null`. */
function checkLoad(name: string, load: unknown): void {
  if (load === null) return;
  const problem = curveProblem(load);
  if (problem === null) return;
  const { at } = Object(load);
  // Arrays have a method of this name, too.
  if (typeof at === "function" && !Array.isArray(load)) {
    throw new UsageError(`${name}.load: ${problem}`);
  }
  throw new UsageError(
    `${name}.load is ${isShape(load) ? "a shape" : shown(load)}: expected a curve such as ` +
      "hold({ users: 10 }), or null",
    loadHint(load),
  );
}

function isShape(value: unknown): boolean {
  return typeof value === "function" && value.prototype instanceof LoadUserShape;
}

function loadHint(load: unknown): string {
  if (Array.isArray(load)) return "For stages, write static override load = stages([ … ]).";
  if (isShape(load)) {
    return "A shape is the load of all classes without one of their own. Use its curve here, or " +
      "stages(…) with its stages.";
  }
  const { users, arrivalRate } = Object(load);
  const size = users ?? arrivalRate;
  if (typeof size === "number") {
    return "For a constant load, write static override load = hold({ … }).";
  }
  return typeof size === "object" && size !== null
    ? "For a straight line, write static override load = ramp({ … })."
    : "";
}

/** What has no effect or is probably wrong in a class with a load of its own. */
function loadWarnings(name: string, { load, weight, fixedCount }: UserClass): string[] {
  if (load === null) return [];
  const ignored = [
    ...(weight > 1 ? ["weight"] : []),
    ...(fixedCount > 0 ? ["fixedCount"] : []),
  ];
  const warnings = stageWarnings(`${name}.load`, load);
  if (ignored.length === 0) return warnings;
  const verb = ignored.length === 1 ? "has" : "have";
  const text = `${listed(ignored)} of ${name} ${verb} no effect: the class has a load of its own.`;
  return [text, ...warnings];
}

function isUserCount(value: unknown): boolean {
  return isCount(value) && (value as number) <= MAX_USERS;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isWaitTime(value: unknown): boolean {
  return typeof value === "function" || (typeof value === "number" && value >= 0);
}

function orderNames(): string {
  return TEST_ORDERS.map((order) => `"${order}"`).join(", ");
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return shown(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * Selects classes by their names, in the order of the test file.
 *
 * @param names those to select; none: all classes.
 * @throws UsageError that lists the classes, if there is none of a name.
 */
export function selectClasses(
  classes: readonly DiscoveredClass[],
  names: readonly string[],
): readonly DiscoveredClass[] {
  const known = classes.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const nearest = nearestWord(unknown, known);
    throw new UsageError(
      `--user-classes ${unknown}: the test file has no such user class, or its weight is 0`,
      `${nearest === null ? "" : `Did you mean ${nearest}? `}Its user classes: ${
        known.join(", ")
      }.`,
    );
  }
  return names.length === 0 ? classes : classes.filter(({ name }) => names.includes(name));
}

/** Selects tests by their tags. */
export interface TagChoice {
  /** A test needs at least one of these tags. Empty: all tests. */
  readonly tags: readonly string[];
  /** A test must have none of these tags. */
  readonly excludeTags: readonly string[];
}

/**
 * Selects the tests of classes by tags. Classes without a selected test are left out.
 *
 * @throws UsageError that lists the available tags, if no tests match.
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
  throw new UsageError(`${describeChoice(choice)}: no tests match`, describeTags(classes));
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
    ? "The tests of the test file have no tags."
    : `Tags of the test file: ${[...tags].sort().join(", ")}.`;
}
