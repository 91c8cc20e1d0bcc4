// @ts-check
/// <reference lib="dom" />
/**
 * The parts of the page that `index.html` holds.
 *
 * @module
 */

/**
 * The element with an id.
 *
 * @template {HTMLElement} [Part=HTMLElement]
 * @param {string} id
 * @param {new () => Part} [kind] What it must be.
 * @returns {Part}
 */
export function byId(id, kind) {
  const part = document.getElementById(id);
  if (part === null || !(part instanceof (kind ?? HTMLElement))) {
    throw new Error(`the page has no ${kind?.name ?? "element"} #${id}`);
  }
  return /** @type {Part} */ (part);
}
