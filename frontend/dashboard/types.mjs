// Do the TypeScript types say what the server says? Makes src/openapi.ts from openapi.json, and that from the server's code.
//
//   npm run types              makes both anew; where Footfall's Python isn't on the PATH, openapi.json stays as it is
//   npm run types -- --check   changes nothing, fails if something is out of date
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const at = (path) => new URL(path, import.meta.url);
const isCheck = process.argv.includes("--check");
const read = (path) => {
  try {
    return readFileSync(at(path), "utf8");
  } catch {
    return "";
  }
};

const asked = spawnSync("python", ["schemas.py"], { cwd: at("."), encoding: "utf8", maxBuffer: 16_000_000 });
const isThere = asked.status === 0;
if (!isThere && !isCheck) console.log("Footfall's Python isn't on the PATH: openapi.json stays as it is.");
const schemas = isThere ? asked.stdout : read("openapi.json");
const head = "// Made by `npm run types` from openapi.json; changes here get lost.\n\n";
const types = head + astToString(await openapiTS(schemas));

const stale = [
  ["openapi.json", schemas],
  ["src/openapi.ts", types],
].filter(([path, text]) => read(path) !== text);
if (!isCheck) for (const [path, text] of stale) writeFileSync(at(path), text);
for (const [path] of stale) console.log(`${path} ${isCheck ? "is out of date: run `make types`" : "made anew"}`);
if (isCheck && stale.length) process.exit(1);
