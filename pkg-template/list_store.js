// Where a manager's list of servers can stand: what can be read and changed there is one text per key. A change reads and
// writes in one step wherever the store can do that, so that two tabs lose nothing of each other's.

import { func, object } from "./checks.js";

const DATABASE = "mcp-evergreen";
const LISTS = "lists";

/** `localStorage` and its like, `indexedDB`, or functions that may give promises: as `{ read(key), update(key, change) }`. */
export function listStore(name, value) {
  if (typeof value?.getItem === "function") return texts((key) => value.getItem(key), (key, text) => value.setItem(key, text));
  if (typeof value?.open === "function" && typeof value.cmp === "function") return indexed(value);
  for (const method of ["get", "set"]) func(`${name}.${method}`, object(name, value)[method]);
  return texts((key) => value.get(key), (key, text) => value.set(key, text));
}

function texts(get, set) {
  return {
    read: get,
    update(key, change) {
      const write = (text) => set(key, change(text));
      const text = get(key);
      return typeof text?.then === "function" ? text.then(write) : write(text);
    },
  };
}

function indexed(factory) {
  const run = (mode, use) =>
    new Promise((resolve, reject) => {
      const opening = factory.open(DATABASE, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(LISTS);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const database = opening.result;
        try {
          const transaction = database.transaction(LISTS, mode);
          const request = use(transaction.objectStore(LISTS));
          transaction.oncomplete = () => resolve(request.result);
          transaction.onabort = () => reject(transaction.error);
        } catch (error) {
          reject(error);
        } finally {
          // What is under way is finished first.
          database.close();
        }
      };
    });
  return {
    read: (key) => run("readonly", (lists) => lists.get(key)),
    update: (key, change) =>
      run("readwrite", (lists) => {
        const reading = lists.get(key);
        reading.onsuccess = () => lists.put(change(reading.result), key);
        return reading;
      }),
  };
}
