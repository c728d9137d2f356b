// Is the tracker still small enough to put on every page of a shop? Fails above the budget. What browsers are sent in
// the end, the Brotli form, is written beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";

const BUDGET_BYTES = 6_000;
const built = new URL("../../src/footfall/web/static/footfall.js", import.meta.url);
const script = readFileSync(built);
const size = gzipSync(script).length;
const brotli = brotliCompressSync(script);
writeFileSync(`${built.pathname}.br`, brotli);
console.log(`footfall.js: ${size} bytes gzipped (budget ${BUDGET_BYTES}), ${brotli.length} with Brotli`);
if (size >= BUDGET_BYTES) {
  console.error("The tracker is over its budget. Make it smaller, or argue for more in docs/decisions.");
  process.exit(1);
}
