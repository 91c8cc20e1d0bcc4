/**
 * A test file that is to be written, as the readers of recordings, commands and API descriptions make it.
 * {@link ./test_writer.ts} turns it into code.
 *
 * @module
 */

/** A test file to be. */
export interface Draft {
  /** What it was made from: a sentence for the comment at the top. */
  readonly source: string;
  /** What its reader should know, such as what was left out: a paragraph each. */
  readonly notes: readonly string[];
  readonly secrets: readonly Secret[];
  /** Values at the top of the file, for its reader to see and change. */
  readonly constants?: readonly Constant[];
  /** Options that a run needs, such as `--insecure`. */
  readonly flags?: readonly string[];
  readonly classes: readonly DraftClass[];
}

/** A value that must not be in a file: the test file takes it from the environment. */
export interface Secret {
  /** Name of the environment variable, and of the constant: capital letters, digits and underscores. */
  readonly name: string;
  /** What it is, such as `password of POST /login`. */
  readonly meaning: string;
}

/** A value that has a name. */
export interface Constant {
  /** Capital letters, digits and underscores. */
  readonly name: string;
  readonly value: JsonDraft;
  /** What it is: a sentence or more. */
  readonly comment: string;
}

/** A user class. */
export interface DraftClass {
  /** A valid name of a test class, such as `ShopTest`. */
  readonly name: string;
  /** A sentence or more. */
  readonly comment?: string;
  /** Origin of the service, such as `https://shop.example`. Calls of other origins get a constant. */
  readonly host: string;
  /** Whether each iteration is a new visitor, with cookies and headers of its own. */
  readonly newVisitor: boolean;
  /** Seconds to wait after each test; without it, the default. */
  readonly waitTime?: number;
  /** `false`: redirects are responses. */
  readonly followsRedirects?: boolean;
  /** What each user does first. */
  readonly onStart?: readonly Step[];
  readonly tests: readonly DraftTest[];
}

/** A test of a user class. */
export interface DraftTest {
  /** A valid name of a test method, such as `testCheckout`. */
  readonly name: string;
  readonly comment?: string;
  readonly steps: readonly Step[];
}

/** What a user does, one after the other. */
export type Step =
  | { readonly kind: "call"; readonly call: Call }
  /** In parallel. These calls save nothing. */
  | { readonly kind: "batch"; readonly calls: readonly Call[] }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "group"; readonly name: string; readonly steps: readonly Step[] }
  | { readonly kind: "comment"; readonly text: string };

/** A request. */
export interface Call {
  /** In capital letters. */
  readonly method: string;
  readonly url: CallUrl;
  /** Name in reports. Without it, the path, with `:id` for what looks like an identifier. */
  readonly name?: string;
  /** Without those that the body implies. Names are in lower case. */
  readonly headers: readonly (readonly [name: string, value: Text])[];
  readonly body?: Body;
  /** User and password for HTTP Basic or Digest authentication. */
  readonly auth?: {
    readonly kind: "basic" | "digest";
    readonly user: Text;
    readonly password: Text;
  };
  /** A redirect is the response, instead of being followed. */
  readonly keepsRedirect?: boolean;
  readonly comment?: string;
  readonly checks: readonly Check[];
  readonly saves: readonly Save[];
}

/** The URL of a request. */
export interface CallUrl {
  /** Such as `https://shop.example`. */
  readonly origin: string;
  /** With its leading slash, and encoded as in a URL. */
  readonly path: Text;
  /** Decoded. `null`: the name without an equals sign. */
  readonly query: readonly (readonly [name: string, value: Text | null])[];
}

/** The body of a request. Its content type is implied, unless the headers contain another. */
export type Body =
  | { readonly kind: "json"; readonly value: JsonDraft }
  | { readonly kind: "form"; readonly fields: readonly (readonly [name: string, value: Text])[] }
  | { readonly kind: "multipart"; readonly parts: readonly Part[] }
  | { readonly kind: "text"; readonly text: Text }
  | { readonly kind: "bytes"; readonly base64: string };

/** A part of a multipart body: a field, or a file. */
export interface Part {
  readonly name: string;
  readonly value: Text;
  readonly file?: { readonly name: string; readonly type: string };
}

/** Text that may contain values which are only known while the test runs. */
export type Text = string | Template;

/** JSON that may contain such values. */
export type JsonDraft =
  | null
  | boolean
  | number
  | Text
  | readonly JsonDraft[]
  | { readonly [name: string]: JsonDraft };

/** Text with inserted values. A single value without text around it keeps its type. */
export class Template {
  readonly parts: readonly (string | Reference)[];

  constructor(parts: readonly (string | Reference)[]) {
    this.parts = parts;
  }
}

/** An inserted value. */
export type Reference =
  /** What a {@link Save} has saved. */
  | {
    readonly kind: "variable";
    readonly name: string;
    readonly encode?: boolean;
    /** In JSON, it is a string, whatever it was in the response. */
    readonly asString?: boolean;
    /** In JSON, it is a number, whatever it was in the response. */
    readonly asNumber?: boolean;
  }
  /** A {@link Secret}. */
  | { readonly kind: "secret"; readonly name: string; readonly encode?: boolean }
  /** A {@link Constant}. */
  | { readonly kind: "constant"; readonly name: string; readonly encode?: boolean }
  /** An expression that is evaluated for each request, such as `crypto.randomUUID()`. */
  | {
    readonly kind: "code";
    /** What it is, in names of requests. */
    readonly name: string;
    readonly code: string;
    readonly type: "string" | "number" | "boolean";
    readonly encode?: boolean;
  }
  /** The host of the class, or what `--host` says. */
  | { readonly kind: "host"; readonly encode?: false };

/** A template that is one value. */
export function valueOf(reference: Reference): Template {
  return new Template([reference]);
}

/** What a response must be. If it is not, the request counts as failed. */
export type Check =
  /** One of these. With 400 and above, such a response is no failure. */
  | { readonly kind: "status"; readonly statuses: readonly number[] }
  | { readonly kind: "json"; readonly path: JsonPath; readonly equals: JsonDraft }
  | { readonly kind: "text"; readonly includes: Text }
  | { readonly kind: "header"; readonly name: string; readonly equals: Text };

/** Names of members and indices of elements, from the outside in. */
export type JsonPath = readonly (string | number)[];

/** A value of a response that later requests need. */
export interface Save {
  /** A valid name of a variable, unique in its class. */
  readonly variable: string;
  /** The value when it was recorded, or one of the same type. */
  readonly example: string | number | boolean;
  readonly from: Place;
}

/** Where a value is in a response. */
export type Place =
  | { readonly kind: "json"; readonly path: JsonPath }
  /** An attribute of the first element that a CSS selector matches. */
  | { readonly kind: "html"; readonly selector: string; readonly attribute: string }
  /** A header; with a pattern, its first group. */
  | { readonly kind: "header"; readonly name: string; readonly pattern?: RegExp }
  /** A cookie; with `decode`, without its %-escapes. */
  | { readonly kind: "cookie"; readonly name: string; readonly decode?: boolean }
  /** The first group of a pattern in the body. */
  | { readonly kind: "text"; readonly pattern: RegExp }
  /** The first group of a pattern in the URL, after redirects. */
  | { readonly kind: "url"; readonly pattern: RegExp };
