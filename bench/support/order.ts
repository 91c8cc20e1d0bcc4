/**
 * The body of the POST scenario: a kilobyte of JSON. post_order.lua sends the same.
 *
 * @module
 */

/** An order of 34 lines. */
export const ORDER = {
  items: Array.from({ length: 34 }, () => ({ article: 1234, quantity: 3 })),
};
