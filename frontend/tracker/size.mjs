// Is the tracker still small enough to put on every page of a shop? Fails above the budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 6_000;
const size = gzipSync(readFileSync(new URL("../../src/footfall/web/static/footfall.js", import.meta.url))).length;
console.log(`footfall.js: ${size} bytes gzipped (budget ${BUDGET_BYTES})`);
if (size >= BUDGET_BYTES) {
  console.error("The tracker is over its budget. Make it smaller, or argue for more in docs/decisions.");
  process.exit(1);
}
