import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// Where the API is while developing: a server of your own, or `python tests/browser/fixture_server.py`.
const server = process.env["FOOTFALL_URL"] ?? "http://127.0.0.1:8700";

export default defineConfig({
  root: here("."),
  base: "/",
  build: {
    target: "es2022",
    // Served under /assets with names that change with the content.
    outDir: here("../../src/footfall/web/static/dashboard"),
    emptyOutDir: true,
    reportCompressedSize: false,
    // The page's policy allows no inlined data besides pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: server, changeOrigin: false } } },
});
