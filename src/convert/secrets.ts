/**
 * Takes secrets out of requests: passwords, tokens and keys must not be in a file that is shared.
 *
 * @module
 */

import { joined, replaceValues, type Slot } from "./call_texts.ts";
import { constantCase, uniqueName } from "./code.ts";
import { type Call, type Secret, type Template, type Text, valueOf } from "./draft.ts";
import { requestName } from "./names.ts";

/** Requests without their secrets, and the secrets. */
export interface Hidden {
  readonly calls: readonly Call[];
  readonly secrets: readonly Secret[];
}

/**
 * Replaces what looks like a secret, by its name or its form, by a variable of the environment.
 *
 * @param prefix how the names of the variables begin, such as `SHOP`.
 */
export function hideSecrets(calls: readonly Call[], prefix: string): Hidden {
  const found = new Map<string, Secret>();
  const names = new Set<string>();
  const hide = (value: string, label: string, call: Call): Template => {
    let secret = found.get(value);
    if (secret === undefined) {
      const word = constantCase(label.replace(/^x-/i, ""), "SECRET");
      const full = word.startsWith(prefix) ? word : `${prefix}_${word}`;
      // Variables of that name are options of aiotest.
      const name = uniqueName(full.replace(/^AIOTEST_/, "SERVICE_"), names);
      const meaning = `${label.replaceAll(/\s+/g, " ")} of ${call.method} ${
        requestName(call.url.path)
      }`;
      secret = { name, meaning };
      found.set(value, secret);
    }
    return valueOf({ kind: "secret", name: secret.name });
  };
  const first = calls.map((call) =>
    replaceValues(withAuth(call), (value, slot) => {
      if (typeof value === "number" || slot.isPart === true) return value;
      if (slot.kind === "header" && slot.name === "authorization") {
        // A scheme, after which a value is inserted.
        if (/^[A-Za-z][\w-]* $/.test(value)) return value;
        const [scheme, token] = schemeOf(value);
        const label = scheme.toLowerCase() === "bearer" ? "token" : "authorization";
        return scheme === ""
          ? hide(token, label, call)
          : joined([`${scheme} `, ...hide(token, label, call).parts]);
      }
      return isSecret(value, slot) ? hide(value, labelOf(slot), call) : value;
    })
  );
  const values = [...found].filter(([value]) => value.length >= MIN_LENGTH)
    .sort(([one], [other]) => other.length - one.length);
  // The same value may also be in places whose names do not tell.
  const all = first.map((call) =>
    replaceValues(call, (value) => typeof value === "number" ? value : without(value, values))
  );
  return { calls: all, secrets: [...found.values()] };
}

/** Shorter secrets are only replaced in places that are for secrets: elsewhere they may be other words. */
const MIN_LENGTH = 8;

/** Basic credentials as user and password. */
function withAuth(call: Call): Call {
  const header = call.headers.find(([name]) => name === "authorization")?.[1];
  if (typeof header !== "string") return call;
  const [scheme, token] = schemeOf(header);
  if (scheme.toLowerCase() !== "basic") return call;
  let plain;
  try {
    plain = new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.from(atob(token), (character) => character.charCodeAt(0)),
    );
  } catch {
    return call;
  }
  const colon = plain.indexOf(":");
  if (colon < 0) return call;
  return {
    ...call,
    headers: call.headers.filter(([name]) => name !== "authorization"),
    auth: { kind: "basic", user: plain.slice(0, colon), password: plain.slice(colon + 1) },
  };
}

/** The scheme of an `Authorization` header, and its token. Without a single token, there is no scheme. */
function schemeOf(value: string): [scheme: string, token: string] {
  const match = /^([A-Za-z][\w-]*) +(\S+)$/.exec(value);
  return match === null ? ["", value] : [match[1]!, match[2]!];
}

function without(text: string, secrets: readonly (readonly [string, Secret])[]): Text {
  let parts: Template["parts"] = [text];
  for (const [value, { name }] of secrets) {
    parts = parts.flatMap((part) => {
      if (typeof part !== "string" || !part.includes(value)) return [part];
      return part.split(value).flatMap((piece, index) =>
        index === 0 ? [piece] : [{ kind: "secret", name } as const, piece]
      );
    });
  }
  return joined(parts);
}

function labelOf({ kind, name }: Slot): string {
  if (kind === "path" || name === "") return "token";
  if (kind === "header" && name === "cookie") return "cookie";
  return lastName(name);
}

/** `user[password]` and `user.password` as `password`. */
function lastName(name: string): string {
  return name.split(/[.[\]]+/).filter((part) => part !== "").at(-1) ?? name;
}

/** Whether a value looks like a secret, by its form or by the name that it has. */
export function isSecret(value: string, slot: Slot): boolean {
  if (value === "") return false;
  if (SECRET_VALUE.test(value)) return true;
  if (slot.kind === "auth") return slot.name === "password";
  if (slot.kind === "path" || slot.kind === "body") return false;
  const name = lastName(slot.name).toLowerCase().replaceAll(/[^a-z\d]/g, "");
  // Such tokens are valid in one session only.
  if (/csrf|xsrf|authenticity|requestverification/.test(name)) return false;
  if (slot.kind === "header" && /^(?:x)?(?:auth|session|token|user)/.test(name)) {
    return /token|secret|key|session|auth/.test(name);
  }
  return SECRET_NAMES.has(name) || SECRET_PART.test(name) ||
    (name === "key" && /^[\w-]{20,}$/.test(value));
}

/** JSON web tokens, and keys of well-known services. */
const SECRET_VALUE =
  /^(?:eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|AKIA[A-Z\d]{16}|AIza[\w-]{35}|gh[pousr]_\w{30,}|(?:sk|rk)_(?:live|test)_\w{10,}|xox[abprs]-[\w-]{10,})$/;

const SECRET_NAMES: ReadonlySet<string> = new Set([
  ..."auth authorization cookie cvc cvv jwt otp pass pin pwd sid sig token passcode".split(" "),
]);

const SECRET_PART =
  /password|passwd|passphrase|secret|apikey|privatekey|accesskey|licensekey|signature|credential|sessionid|(?:access|refresh|id|auth|session|bearer|api|security|device)token/;
