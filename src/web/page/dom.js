// @ts-check
/// <reference lib="dom" />
/**
 * Elements made of plain values. Texts only ever become text: nothing here reads markup, so a name
 * such as `</script><img src=x>` is shown as it is written.
 *
 * @module
 */

/**
 * What an element has beside its tag: attributes, `text` for its content. A value of `false`, null or
 * undefined leaves the attribute out, `true` sets it without a value.
 *
 * @typedef {Readonly<Record<string, string | number | boolean | null | undefined>>} Attributes
 */

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {readonly (Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = String(value);
    else setAttribute(made, name, value);
  }
  made.append(...children);
  return made;
}

/**
 * Sets or removes one attribute, unless it is so already.
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
 * Sets an element's text, unless it is that already: a text that stays is not laid out anew, and a
 * screen reader does not read it again.
 *
 * @param {Element} target
 * @param {string} text
 * @returns {void}
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Makes some elements the children of another, moving only those that are elsewhere.
 *
 * @param {Element} parent
 * @param {readonly Element[]} children
 * @returns {void}
 */
export function place(parent, children) {
  const kept = new Set(children);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  children.forEach((child, index) => {
    const there = parent.children[index] ?? null;
    if (there !== child) parent.insertBefore(child, there);
  });
}
