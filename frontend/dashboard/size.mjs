// Does the dashboard still load at once? Fails above the budget. Counts all scripts and styles, gzipped.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 250_000;
const folder = new URL("../../src/footfall/web/static/dashboard/assets/", import.meta.url);
let size = 0;
for (const name of readdirSync(folder)) size += gzipSync(readFileSync(new URL(name, folder))).length;
console.log(`dashboard: ${size} bytes gzipped (budget ${BUDGET_BYTES})`);
if (size > BUDGET_BYTES) {
  console.error("The dashboard is over its budget. Load the new part on demand, or make it smaller.");
  process.exit(1);
}
