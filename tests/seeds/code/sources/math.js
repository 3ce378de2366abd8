/**
 * @fileoverview Maths for boats.
 */
'use strict';

/** Licence? no. Adds two numbers.
 * @param {number} a - the first
 * @param {number} [b=1] the second, see {@link sub}
 * @returns {number} the sum
 * @throws {TypeError} if `a` is no number
 * @example
 * add(1, 2) // 3
 */
export function add(a, b = 1) { return /[{"]/.test(a) ? a : a + b }

/** A boat. */
export default class Boat extends Thing {
  #secret = 1
  /** Make it.
   * @param {string} name its name */
  constructor(name) { super(name); const s = `x ${name} {`; }
  /** Sail away. */
  async sail(where = {x: 1}, ...rest) {
    /** nested */
    const inner = () => { return 1 };
  }
  plain(x) { return x }
  /** @private */
  hide() {}
}
/** Config. */
const config = {
  /** Opens. */
  open(path) { return 1 },
  /** Closes it. */
  close: function (path) { },
  mode: 'r', /** number of tries */
  tries: 3
};
/** Arrow. */
export const mul = async (a, b) => a * b;
(function (root) {
  /** Within a wrapper. */
  function wrapped(x) { }
  /** Assigned. */
  root.Foo.prototype.bar = function (y) { };
})(this);
/** Options of things. */
export interface Options { readonly a?: string; /** the b */ b(x: number): void }
/** alias */
export type ID = string | number;
