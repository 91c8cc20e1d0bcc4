// @ts-check
/// <reference lib="dom" />
/**
 * Helpers that create and update elements. Strings are always inserted as text, never parsed as
 * markup, so a name such as `</script><img src=x>` is shown verbatim.
 *
 * @module
 */

/**
 * The attributes of an element; `text` sets its content. A value of `false`, null or undefined omits
 * the attribute, and `true` sets it without a value.
 *
 * @typedef {Readonly<Record<string, string | number | boolean | null | undefined>>} Attributes
 */

/**
 * Creates an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {readonly (Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, children = []) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") created.textContent = String(value);
    else setAttribute(created, name, value);
  }
  created.append(...children);
  return created;
}

/**
 * Finds an element of the page's HTML file.
 *
 * @template {HTMLElement} [Part=HTMLElement]
 * @param {string} id
 * @param {new () => Part} [kind] The expected class.
 * @returns {Part}
 * @throws {Error} if there is no such element.
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (found === null || !(found instanceof (kind ?? HTMLElement))) {
    throw new Error(`the page has no ${kind?.name ?? "element"} #${id}`);
  }
  return /** @type {Part} */ (found);
}

/**
 * Sets or removes an attribute if it differs.
 *
 * @param {Element} target
 * @param {string} name
 * @param {Attributes[string]} value
 * @returns {void}
 */
export function setAttribute(target, name, value) {
  if (value === false || value === null || value === undefined) target.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    if (target.getAttribute(name) !== text) target.setAttribute(name, text);
  }
}

/**
 * Sets an element's text if it differs, so that unchanged text causes no layout and is not announced
 * again by screen readers.
 *
 * @param {Element} target
 * @param {string} text
 * @returns {void}
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Makes elements the only children of a parent, moving only those that are out of place.
 *
 * @param {Element} parent
 * @param {readonly Element[]} children
 * @returns {void}
 */
export function place(parent, children) {
  const kept = new Set(children);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  children.forEach((child, index) => {
    const current = parent.children[index] ?? null;
    if (current !== child) parent.insertBefore(child, current);
  });
}
