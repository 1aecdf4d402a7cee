import { fileURLToPath } from "node:url";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { compileTexts } from "./scripts/compile-texts.mjs";
import { preloadStart } from "./scripts/preload-start.mjs";

const host = process.env.OMNICORE_URL ?? "http://127.0.0.1:8080";
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// The host refuses writes that come from another origin than its own.
const behind = { target: host, changeOrigin: true, headers: { origin: host } };
// The icons of the shell, half a kilobyte each: as files of their own the headers of their answers would weigh more.
const shellIcons =
  /icons[\\/]es[\\/]icons[\\/](Api|Appstore|Branches|Bulb|Home|OrderedList|Setting|Thunderbolt)Outlined\./;
const proxied = ["/api", "/healthz", "/readyz", "/metrics", "/openapi.json", "/hooks"];

export default defineConfig({
  base: "./", // the host writes where it is mounted into index.html
  plugins: [compileTexts(), preloadStart(), react()],
  resolve: {
    alias: {
      "@": here("src"),
      // A helper of the form library names the validator that compiles schemas, which we neither want nor have.
      "@rjsf/validator-ajv8": here("src/shared/ui/schema-form/default-validator.ts"),
    },
  },
  build: {
    target: "es2022",
    manifest: "manifest.json",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // a data: address would need a wider content security policy
    chunkSizeWarningLimit: 2000, // scripts/budget.mjs is the check
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "shell-icons", test: shellIcons }] } },
    },
  },
  server: {
    proxy: {
      ...Object.fromEntries(proxied.map((path) => [path, behind])),
      "/ws": { ...behind, ws: true },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/shared/test-setup.ts"],
    restoreMocks: true,
  },
});
