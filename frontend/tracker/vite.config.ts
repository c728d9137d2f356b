import { fileURLToPath } from "node:url";
import { minify } from "terser";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const NEWEST_SYNTAX = 2021;

/** Has Chromium compile all functions beside the page's main thread, not each there when it is first called. */
const COMPILED_AHEAD = "//# allFunctionsCalledOnLoad";

/** A second pass after Vite's own: every byte of this script is loaded by every page of a shop. */
const smaller: Plugin = {
  name: "smaller",
  async generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== "chunk") continue;
      for (let n = 0; n < 2; n++) {
        const { code } = await minify(chunk.code, {
          ecma: NEWEST_SYNTAX,
          compress: {
            passes: 5,
            hoist_funs: true,
            unsafe: true,
            unsafe_arrows: true,
            unsafe_methods: true,
            pure_getters: true,
          },
          mangle: { toplevel: true },
        });
        if (code) chunk.code = code;
      }
      chunk.code = `${COMPILED_AHEAD}\n${chunk.code}`;
    }
  },
};

export default defineConfig(({ mode }) => {
  const isPackage = mode === "npm";
  return {
    plugins: isPackage ? [] : [smaller],
    build: {
      target: `es${NEWEST_SYNTAX}`,
      outDir: here(isPackage ? "dist" : "../../src/footfall/web/static"),
      emptyOutDir: isPackage,
      copyPublicDir: false,
      reportCompressedSize: false,
      minify: !isPackage, // whoever bundles the package makes it small
      lib: {
        entry: here(isPackage ? "src/npm.ts" : "src/main.ts"),
        formats: [isPackage ? "es" : "iife"],
        name: "footfallTracker",
        fileName: () => (isPackage ? "footfall-tracker.js" : "footfall.js"),
      },
    },
  };
});
