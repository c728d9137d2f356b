import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  build: {
    target: "es2020",
    outDir: here("../../src/footfall/web/static"),
    emptyOutDir: false,
    copyPublicDir: false,
    reportCompressedSize: false,
    lib: { entry: here("src/main.ts"), formats: ["iife"], name: "footfallTracker", fileName: () => "footfall.js" },
  },
});
