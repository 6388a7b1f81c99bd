// Keeps orders in memory until they are paid.
import { EventEmitter } from "node:events";
import { price } from "./prices.js";

const LIMIT = 40;

/**
 * All orders of a shop.
 */
export class Store extends EventEmitter {
  #orders = new Map();

  constructor(name) {
    super();
    this.name = name;
  }

  // A paid order is never changed again.
  put(order) {
    if (this.#orders.has(order.id) && this.#orders.get(order.id).paid) {
      throw new Error(`order ${order.id} is paid`);
    } else {
      this.#orders.set(order.id, order);
    }
    this.emit("put", order);
  }

  total() {
    let sum = 0;
    for (const order of this.#orders.values()) {
      sum += price(order);
    }
    return Math.min(sum, LIMIT);
  }
}

export default new Store("main");
