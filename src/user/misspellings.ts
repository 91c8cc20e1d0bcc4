/**
 * Finds members of user classes that are probably misspelled: settings and hooks that have no effect.
 *
 * @module
 */

import { isSameWord, nearestWord } from "../core/spelling.ts";
import { curveProblem } from "../load/curve.ts";
import { stagesProblem } from "../load/stages.ts";
import { checkFields, User, type UserClass } from "./user.ts";

/** The methods that a user calls by itself, besides its tests. */
const HOOKS = ["onStart", "onStop"] as const;

type Hook = typeof HOOKS[number];

/** What other programs call them. */
const OTHER_HOOKS: ReadonlyMap<string, Hook> = new Map([
  ["setup", "onStart"],
  ["beforeall", "onStart"],
  ["teardown", "onStop"],
  ["afterall", "onStop"],
]);

/** What other programs call the settings of a user class. */
const OTHER_SETTINGS: ReadonlyMap<string, string> = new Map([
  ["minwait", "waitTime"],
  ["maxwait", "waitTime"],
  ["thinktime", "waitTime"],
  ["curve", "load"],
  ["stages", "load"],
  ["shape", "load"],
  ["defaultheaders", "headers"],
  ["http2", "http"],
]);

/** What other programs call the settings of classes that have `.proto` files. */
const OTHER_GRPC_SETTINGS: ReadonlyMap<string, string> = new Map([
  ...OTHER_SETTINGS,
  ["deadline", "timeout"],
  ["protofile", "proto"],
  ["protofiles", "proto"],
  ["protopath", "proto"],
  ["protos", "proto"],
  ["importpaths", "protoFolders"],
  ["includedirs", "protoFolders"],
  ["protopaths", "protoFolders"],
  ["reflect", "reflection"],
]);

/** Settings that can be functions. */
const FUNCTION_SETTINGS: readonly string[] = ["waitTime", "tls"];

/** Members with names of their own are allowed, so only those that are very near are misspelled. */
const LETTERS_PER_MISTAKE = 5;

/**
 * Members of a user class that look like settings or hooks, but have no effect; a sentence each.
 *
 * @param name the name of the class.
 * @param user one of its users, whose fields are examined.
 */
export function misspelledMembers(name: string, userClass: UserClass, user: User): string[] {
  const base = builtInClass(userClass);
  const classes = ownClasses(userClass, base);
  const methods = classes.flatMap(({ prototype }) => valuesOf(prototype));
  const fields = valuesOf(user);
  const found = [
    ...classes.flatMap(valuesOf).map((one) => aboutStatic(one, base)),
    ...methods.map((one) => aboutSetting(one, base, "a method")),
    ...fields.map((one) => aboutSetting(one, base, "a field of each user")),
    aboutHost(userClass, user, base),
    ...hooksMissed(userClass, [...methods, ...fields]),
  ];
  const sentences = found.filter((text) => text !== null).map((text) => `${name}.${text}`);
  return [...new Set(sentences)];
}

/** A member of a class or of a user. */
interface Member {
  readonly key: string;
  /** Undefined for accessors, which are not called. */
  readonly value: unknown;
}

/** The members that an object has itself. */
function valuesOf(holder: object): Member[] {
  return Object.entries(Object.getOwnPropertyDescriptors(holder))
    .filter(([key]) => !NOT_MEMBERS.includes(key))
    .map(([key, { value }]) => ({ key, value }));
}

const NOT_MEMBERS: readonly string[] = ["length", "name", "prototype", "constructor"];

/** The class of aiotest that a user class extends. Only these have their own check of their settings. */
function builtInClass(userClass: UserClass): UserClass {
  let at = userClass;
  while (!Object.hasOwn(at, checkFields)) at = Object.getPrototypeOf(at);
  return at;
}

/** The classes from a user class down to the one that extends a class of aiotest. */
function ownClasses(userClass: UserClass, base: UserClass): UserClass[] {
  const classes: UserClass[] = [];
  for (let at = userClass; at !== base; at = Object.getPrototypeOf(at)) classes.push(at);
  return classes;
}

/** The names of the settings of a class of aiotest. */
function settingsOf(base: UserClass): string[] {
  const names: string[] = [];
  for (let at: object = base; at !== Function.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.keys(at));
  }
  return names;
}

function aboutStatic(member: Member, base: UserClass): string | null {
  const { key, value } = member;
  const settings = settingsOf(base);
  if (settings.includes(key)) return null;
  if (key === "thresholds") {
    return `${key} is not a setting of user classes and has no effect: write export const ${key}, outside of the class.`;
  }
  if (HOOKS.some((hook) => hook === key)) {
    return `${key} is static and is never called: make it a method.`;
  }
  const otherNames = settings.includes("proto") ? OTHER_GRPC_SETTINGS : OTHER_SETTINGS;
  const setting = nearestWord(key, settings, {
    otherNames,
    lettersPerMistake: LETTERS_PER_MISTAKE,
  });
  if (setting === null || !settings.includes(setting)) return null;
  const isMeant = setting !== "load" &&
    (isSameWord(key, setting) || otherNames.has(key.toLowerCase()));
  if (!isMeant && !canBe(setting, value, base)) return null;
  return `${key} is not a setting of user classes and has no effect. Did you mean ${setting}?`;
}

/** Settings that are not static. Fields and methods may have such names for other purposes. */
function aboutSetting({ key, value }: Member, base: UserClass, what: string): string | null {
  const setting = settingsOf(base).find((one) => isSameWord(one, key));
  // Every user has a host: see aboutHost. Users may have headers of their own for some of their requests.
  if (setting === undefined || setting === "host" || setting === "headers" || !value) return null;
  if (!canBe(setting, value, base)) return null;
  return `${key} is ${what} and has no effect: write static override ${setting}.`;
}

/** A host that a field or a constructor sets. HTTP users have read that of their class before. */
function aboutHost(userClass: UserClass, user: User, base: UserClass): string | null {
  if (!("maxRedirects" in base) || user.host === userClass.host) return null;
  return "host is set for each user and has no effect: write static override host.";
}

/** Whether a value is of a type that a setting can have. */
function canBe(setting: string, value: unknown, base: UserClass): boolean {
  if (setting === "load") return isLoad(value);
  return typeof value === typeof Reflect.get(base, setting) ||
    (typeof value === "function" && FUNCTION_SETTINGS.includes(setting));
}

/** Whether a value is a curve, or a list of stages. */
function isLoad(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && stagesProblem(value) === null;
  return curveProblem(value) === null;
}

/** Methods that look like hooks which the class does not have. */
function hooksMissed(userClass: UserClass, members: readonly Member[]): string[] {
  const keys = members.map(({ key }) => key);
  const missing = HOOKS.filter((hook) =>
    userClass.prototype[hook] === User.prototype[hook] && !keys.includes(hook)
  );
  return members.flatMap(({ key, value }) => {
    if (typeof value !== "function") return [];
    const hook = nearestWord<Hook>(key, HOOKS, {
      otherNames: OTHER_HOOKS,
      lettersPerMistake: LETTERS_PER_MISTAKE,
    });
    if (hook === null || !missing.includes(hook)) return [];
    return [`${key} is not called by aiotest. Did you mean ${hook}?`];
  });
}
