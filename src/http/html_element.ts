/**
 * Elements of an HTML page, found by CSS selectors.
 *
 * @module
 */

import { selectAll, selectOne } from "css-select";
import { DomHandler, DomUtils, Parser } from "htmlparser2";
import { messageText } from "../core/errors.ts";
import { shown } from "../core/text.ts";

type Root = DomHandler["root"];
type Node = Root["children"][number];
type Element = Extract<Node, { attribs: unknown }>;

/** Longer pages are not read, in UTF-16 units. */
const MAX_LENGTH = 8 * 1024 * 1024;

/** Browsers do not nest elements deeper. */
const MAX_DEPTH = 512;

/** The texts of what could be pages of a hostile target. */
const TOO_LONG = `html: the page has over ${MAX_LENGTH / 1024 / 1024} Mi characters`;
const TOO_DEEP = `html: the elements of the page are nested over ${MAX_DEPTH} deep`;

/**
 * An element of an HTML page, or the page itself.
 *
 * ```ts
 * import { FastHttpUser } from "aiotest";
 *
 * export class LoginTest extends FastHttpUser {
 *   static override host = "http://127.0.0.1:8000";
 *
 *   async testLogin(): Promise<void> {
 *     const page = await (await this.session.get("/login")).html();
 *     const token = page.find("input[name=csrf]")?.attr("value");
 *     await this.session.post("/login", { form: { username: "admin", csrf: token } });
 *   }
 * }
 * ```
 */
export class HtmlElement {
  readonly #node: Root | Element;

  /** @internal */
  constructor(node: Root | Element) {
    this.#node = node;
  }

  /** The name of the element in lower case, such as `input`; empty for the page. */
  get name(): string {
    return "name" in this.#node ? this.#node.name : "";
  }

  /**
   * The first element inside this one that a CSS selector matches; `null` if there is none.
   *
   * @throws TypeError if the selector is invalid.
   */
  find(selector: string): HtmlElement | null {
    const found = this.#select(selector, selectOne<Node, Element>);
    return found === null ? null : new HtmlElement(found);
  }

  /**
   * All elements inside this one that a CSS selector matches, in the order of the page.
   *
   * @throws TypeError if the selector is invalid.
   */
  findAll(selector: string): HtmlElement[] {
    return this.#select(selector, selectAll<Node, Element>).map((found) => new HtmlElement(found));
  }

  /** The value of an attribute, whatever the case of its name; `undefined` if the element does not have it. */
  attr(name: string): string | undefined {
    const lower = name.toLowerCase();
    if (!("attribs" in this.#node) || !Object.hasOwn(this.#node.attribs, lower)) return undefined;
    return this.#node.attribs[lower];
  }

  /** The text of the element and of all elements inside it, with the white space of the page. */
  text(): string {
    return DomUtils.textContent(this.#node as Element);
  }

  /**
   * The fields that a form would send, for the option `form` of a request. Fields without a name, disabled ones,
   * buttons, files, and boxes that are not checked are left out.
   */
  fields(): Record<string, string[]> {
    const fields = new Map<string, string[]>();
    for (const field of this.findAll("input, select, textarea")) {
      const name = field.attr("name") ?? "";
      if (name === "" || field.attr("disabled") !== undefined) continue;
      const values = field.#values();
      if (values.length > 0) fields.set(name, [...fields.get(name) ?? [], ...values]);
    }
    return Object.fromEntries(fields);
  }

  #values(): string[] {
    if (this.name === "textarea") return [this.text().replace(/^\r?\n/, "")];
    if (this.name === "select") return this.#selected();
    const type = this.attr("type")?.toLowerCase() ?? "text";
    if (NOT_SENT.has(type)) return [];
    if (type !== "checkbox" && type !== "radio") return [this.attr("value") ?? ""];
    return this.attr("checked") === undefined ? [] : [this.attr("value") ?? "on"];
  }

  #selected(): string[] {
    const options = this.findAll("option");
    const selected = options.filter((option) => option.attr("selected") !== undefined);
    const isMultiple = this.attr("multiple") !== undefined;
    // Without a choice, browsers show the first option, and with several, they keep the last.
    const chosen = isMultiple || selected.length === 0 ? selected : selected.slice(-1);
    if (!isMultiple && chosen.length === 0) chosen.push(...options.slice(0, 1));
    return chosen.map((option) => option.attr("value") ?? option.text().trim());
  }

  #select<Found>(
    selector: string,
    select: (query: string, within: Node[]) => Found,
  ): Found {
    // An empty selector would match nothing, which hides the mistake.
    if (typeof selector !== "string" || selector.trim() === "") {
      throw new TypeError(`html: ${shown(selector)}, expected a CSS selector`);
    }
    try {
      return select(selector, this.#node.children);
    } catch (error) {
      throw new TypeError(
        `html: ${JSON.stringify(selector)} is not a CSS selector: ${messageText(error)}`,
        { cause: error },
      );
    }
  }
}

/** Types of fields that are not sent, or only by a click. */
const NOT_SENT: ReadonlySet<string> = new Set(["submit", "button", "image", "reset", "file"]);

/** Builds the tree of a page that is not nested too deep: finding the element that a tag closes takes longer then. */
class PageHandler extends DomHandler {
  override onopentag(name: string, attributes: Record<string, string>): void {
    if (this.tagStack.length > MAX_DEPTH) throw new RangeError(TOO_DEEP);
    super.onopentag(name, attributes);
  }
}

/**
 * Reads a page as browsers do, whatever it contains.
 *
 * @throws RangeError if the page is over 8 Mi characters long, or nested over 512 deep.
 */
export function parsePage(html: string): HtmlElement {
  if (html.length > MAX_LENGTH) throw new RangeError(TOO_LONG);
  const handler = new PageHandler();
  new Parser(handler).end(html);
  return new HtmlElement(handler.root);
}
